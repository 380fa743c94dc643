/** Runs a script in a process of its own: as another user, or without native calls. It prints what the test looks at. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, '../../..');

/** `import … from '#src/…'` and `'#test/…'` in the script mean the project's folders. */
export function runScript(script: string, options: { readonly uid?: number; readonly native?: boolean; readonly cwd?: string } = {}): string {
  const source = script.replaceAll(`'#src/`, `'${SOURCES}/src/`).replaceAll(`'#test/`, `'${SOURCES}/test/`);
  // The user is changed after the imports: the sources may not be readable to another one.
  const prologue = options.uid === undefined ? '' : `process.setgid(${options.uid}); process.setuid(${options.uid});`;
  const [imports, body] = [source.match(/^\s*import .*$/gm) ?? [], source.replaceAll(/^\s*import .*$/gm, '')];
  // tap has every process write a file about itself at its end, which another user could not do in the project's folder.
  const records = mkdtempSync(join(tmpdir(), 'branchcast-test-'));
  if (options.uid !== undefined) chownSync(records, options.uid, options.uid);
  const env = { ...process.env, _TAPJS_PROCESSINFO_CWD_: records, ...(options.native === false ? { BRANCHCAST_NATIVE: '0' } : {}) };
  try {
    return execFileSync(process.execPath, ['--input-type=module-typescript', '-e', `${imports.join('\n')}\n${prologue}\n${body}`], { env, cwd: options.cwd, encoding: 'utf8' }).trim();
  } finally {
    rmSync(records, { recursive: true });
  }
}
