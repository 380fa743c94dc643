/** Packages by `npm pack`, from whatever registry npm is set up to use; believed only if they are what the lock says. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const FETCH_DEADLINE_MS = 600_000;

/** Path of the tarball, fetched if it is not there or not whole. `integrity` undefined: it is to be locked now. Throws if it is another one. */
export function fetchPackage(cacheDir: string, name: string, integrity: string | undefined): { readonly file: string; readonly integrity: string } {
  const file = join(cacheDir, `${name.replaceAll(/[/@]/g, '-').replace(/^-/, '')}.tgz`);
  if (existsSync(file)) {
    const found = integrityOf(file);
    if (found === integrity || integrity === undefined) return { file, integrity: found };
    rmSync(file);
  }
  const partial = `${file}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  // npm checks what it fetches against what the registry states.
  execFileSync('npm', ['pack', name, '--pack-destination', partial, '--ignore-scripts', '--loglevel=error'], { stdio: ['ignore', 'ignore', 'inherit'], timeout: FETCH_DEADLINE_MS, cwd: partial });
  const packed = readdirSync(partial).find((entry) => entry.endsWith('.tgz')) ?? '';
  const found = integrityOf(join(partial, packed));
  if (integrity !== undefined && found !== integrity) throw new Error(`${name} is not what the lock says: ${found} instead of ${integrity}`);
  renameSync(join(partial, packed), file);
  rmSync(partial, { recursive: true });
  return { file, integrity: found };
}

function integrityOf(file: string): string {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
}
