/** argv -> cli. The version is checked before anything is imported that an old Node.js cannot load. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BranchcastError } from './base/errors.ts';
import { SHUTDOWN_GRACE_MS } from './base/limits/daemons.ts';

const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  const error = new BranchcastError('BC_UNSUPPORTED_NODE', `branchcast needs Node.js ${NODE_MAJOR_MIN} or later, this is ${process.versions.node}`);
  process.stderr.write(`error ${error.code}: ${error.message}\n  ${error.kind.advice}\n`);
  process.exitCode = error.kind.exit;
} else {
  await keepCompiledCode();
  const { runCli } = await import('./cli/run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
  // Whatever is still open then (a connection that does not close) must not keep a finished command.
  setTimeout(() => process.exit(), SHUTDOWN_GRACE_MS).unref();
}

/** Compiled code is kept for the next start, which then takes half the CPU time and 15 MB less of memory. Without a place for it nothing is lost. */
async function keepCompiledCode(): Promise<void> {
  const { userCacheDir } = await import('./cli/user-cache.ts');
  const dir = userCacheDir();
  try {
    // Not left to Node.js, which tries for ever to make a directory below /proc.
    for (const path of [dirname(dir), dir]) if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  } catch {
    return;
  }
  // Imported only now: an old Node.js does not have it.
  const { enableCompileCache } = await import('node:module');
  const { directory } = enableCompileCache(join(dir, 'code'));
  // Worker threads have modules of their own, and take it from here.
  if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= join(dir, 'code');
}
