/**
 * A directory of a test's own. It is removed after every teardown that the test adds later, so that daemons have ended and disks are
 * unmounted by then (t.testdir() removes its directory first).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function scratchDir(t: { teardown(handler: () => void): unknown }): string {
  const dir = mkdtempSync(join(tmpdir(), 'branchcast-e2e-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}
