/** argv -> cli. The version is checked before anything is imported that an old Node.js cannot load. */
import { BranchcastError } from './base/errors.ts';
import { SHUTDOWN_GRACE_MS } from './base/limits.ts';

const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  const error = new BranchcastError('BC_UNSUPPORTED_NODE', `branchcast needs Node.js ${NODE_MAJOR_MIN} or later, this is ${process.versions.node}`);
  process.stderr.write(`error ${error.code}: ${error.message}\n  ${error.kind.advice}\n`);
  process.exitCode = error.kind.exit;
} else {
  const { runCli } = await import('./cli/run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
  // Whatever is still open then (a connection that does not close) must not keep a finished command.
  setTimeout(() => process.exit(), SHUTDOWN_GRACE_MS).unref();
}
