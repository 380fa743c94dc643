/** The command line, run as a user does, in a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const LAUNCHER = fileURLToPath(new URL('../../../scripts/branchcast', import.meta.url));

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function runBranchcast(args: readonly string[], launcher = LAUNCHER): Promise<Run> {
  return new Promise((resolve) => {
    execFile(launcher, args, { encoding: 'utf8', maxBuffer: 1 << 26, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] } }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The tree as `app@version` of the core at `url`. */
export async function publishApp(tree: string, version: string, url: string): Promise<void> {
  const { exitCode, stderr } = await runBranchcast(['layer', 'publish', tree, '--name', 'app', '--version', version, '--core', url]);
  if (exitCode !== 0) throw new Error(stderr);
}
