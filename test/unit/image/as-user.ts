/** Runs a script in a process of its own: as another user, or without native calls. It prints what the test looks at. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, '../../..');

/** `import … from '#src/…'` and `'#test/…'` in the script mean the project's folders. */
export function runScript(script: string, options: { readonly uid?: number; readonly native?: boolean } = {}): string {
  const source = script.replaceAll(`'#src/`, `'${SOURCES}/src/`).replaceAll(`'#test/`, `'${SOURCES}/test/`);
  // The user is changed after the imports: the sources may not be readable to another one.
  const prologue = options.uid === undefined ? '' : `process.setgid(${options.uid}); process.setuid(${options.uid});`;
  const [imports, body] = [source.match(/^\s*import .*$/gm) ?? [], source.replaceAll(/^\s*import .*$/gm, '')];
  const env = { ...process.env, ...(options.native === false ? { BRANCHCAST_NATIVE: '0' } : {}) };
  return execFileSync(process.execPath, ['--input-type=module-typescript', '-e', `${imports.join('\n')}\n${prologue}\n${body}`], { env, encoding: 'utf8' }).trim();
}
