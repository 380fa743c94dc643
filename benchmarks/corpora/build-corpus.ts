/** Builds a corpus tree by tree below the corpora's directory. What is whole has a stamp beside it, and is not built again. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '../../src/base/units.ts';
import { fingerprintTree } from '../../scripts/compare-trees.ts';
import { buildBase, buildImage, debianObstacle } from './build-debian.ts';
import { PACKAGE_CORPORA, type CorpusName, type PackageTree } from './definitions.ts';
import { fetchPackage } from './fetch-package.ts';
import { FIXED_MTIME_SECONDS, randomTree, writeTree } from './generate.ts';
import type { CorporaLock, TreeDigest } from './lock.ts';

const RANDOM_BYTES = 256 * MiB;

export interface Build {
  /** Where corpora and fetched packages are kept. */
  readonly dir: string;
  readonly lock: CorporaLock;
  /** What is not locked yet is taken as it comes, and noted. */
  readonly relock: boolean;
  readonly say: (line: string) => void;
}

/** Trees of a corpus, in the order in which they are built. */
export function treesOf(corpus: CorpusName): string[] {
  return corpus === 'app' || corpus === 'small' || corpus === 'branch' ? Object.keys(PACKAGE_CORPORA[corpus]) : ['v1', 'v2'];
}

/** Undefined if it is not built. */
export function builtTree(dir: string, corpus: CorpusName, tree: string): TreeDigest | undefined {
  const stamp = join(dir, corpus, `${tree}.json`);
  return existsSync(stamp) ? (JSON.parse(readFileSync(stamp, 'utf8')) as TreeDigest) : undefined;
}

/** Answers the lock with what was noted. Throws if something is not what the lock says, or cannot be built here. */
export async function buildCorpus(corpus: CorpusName, build: Build): Promise<CorporaLock> {
  const { dir, relock, say } = build;
  let { lock } = build;
  for (const tree of treesOf(corpus)) {
    const name = `${corpus}/${tree}`;
    const place = join(dir, corpus, tree);
    if (builtTree(dir, corpus, tree) !== undefined) {
      say(`${name}: there`);
      continue;
    }
    say(`${name}: building`);
    const partial = `${place}.partial`;
    rmSync(partial, { recursive: true, force: true });
    rmSync(place, { recursive: true, force: true });
    mkdirSync(join(dir, corpus), { recursive: true });
    lock = await makeTree(corpus, tree, partial, { ...build, lock });
    const digest = await treeDigest(partial);
    const locked = lock.trees[name];
    if (isPinned(corpus)) {
      if (locked === undefined && !relock) throw new Error(`${name} is not in the lock`);
      if (locked !== undefined && locked.sha256 !== digest.sha256) throw new Error(`${name} is not what the lock says: tree digest ${digest.sha256} instead of ${locked.sha256}`);
      lock = { ...lock, trees: { ...lock.trees, [name]: digest } };
    }
    renameSync(partial, place);
    writeFileSync(`${place}.json`, `${JSON.stringify(digest)}\n`);
    say(`${name}: ${digest.fileCount} files, ${(digest.bytes / 1e6).toFixed(0)} MB, ${digest.sha256}`);
  }
  return lock;
}

/** Whether every machine builds the same bytes. */
export function isPinned(corpus: CorpusName): boolean {
  return corpus !== 'base' && corpus !== 'image';
}

/** Names, types, modes, times, links and contents as one digest. */
export async function treeDigest(dir: string): Promise<TreeDigest> {
  const hash = createHash('sha256');
  let [fileCount, bytes] = [0, 0];
  for (const [path, line] of [...await fingerprintTree(dir)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    // The root's own time is when it was renamed.
    if (path === '') continue;
    hash.update(`${path}\0${line}\n`, 'latin1');
    const size = /^file .* bytes (\d+) sha256/s.exec(line)?.[1];
    if (size === undefined) continue;
    fileCount += 1;
    bytes += Number(size);
  }
  return { fileCount, bytes, sha256: hash.digest('hex') };
}

async function makeTree(corpus: CorpusName, tree: string, to: string, build: Build): Promise<CorporaLock> {
  const { dir, lock } = build;
  if (corpus === 'random') {
    writeTree(to, randomTree(RANDOM_BYTES, tree === 'v1' ? 1 : 2));
    return lock;
  }
  if (corpus === 'base' || corpus === 'image') {
    const obstacle = debianObstacle();
    if (obstacle !== undefined) throw new Error(obstacle);
    if (corpus === 'base') buildBase(tree === 'v1' ? 'v1' : 'v2', to, join(dir, 'base', 'v1'));
    else buildImage(to, join(dir, 'base', tree), join(dir, 'app', tree));
    return lock;
  }
  const trees: Readonly<Record<string, PackageTree>> = PACKAGE_CORPORA[corpus];
  return unpackAll(trees[tree] ?? [], to, build);
}

function unpackAll(packages: PackageTree, to: string, { dir, lock, relock, say }: Build): CorporaLock {
  const noted: Record<string, string> = { ...lock.packages };
  for (const name of packages) {
    const locked = lock.packages[name];
    if (locked === undefined && !relock) throw new Error(`${name} is not in the lock`);
    say(`  ${name}`);
    const { file, integrity } = fetchPackage(join(dir, 'packages'), name, locked);
    noted[name] = integrity;
    const place = join(to, 'node_modules', name.slice(0, name.lastIndexOf('@')));
    mkdirSync(place, { recursive: true });
    execFileSync('tar', ['--extract', '--gzip', '--file', file, '--directory', place, '--strip-components=1', '--no-same-owner', '--no-same-permissions']);
  }
  normalise(to);
  return { ...lock, packages: noted };
}

/** Modes as npm sets them, whoever unpacks under whatever umask; directories get a fixed time, since archives do not have them. */
function normalise(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) normalise(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
  chmodSync(dir, 0o755);
  lutimesSync(dir, FIXED_MTIME_SECONDS, FIXED_MTIME_SECONDS);
}
