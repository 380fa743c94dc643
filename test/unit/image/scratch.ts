/** A directory for a test that applies many trees: in memory where there is such a place, since each switch flushes its file system. */
import { accessSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InodeWorkers } from '../../../src/image/inode-workers.ts';
import { removeTree } from '../../../src/image/remove-tree.ts';

export function scratchDirectory(t: { teardown(end: () => Promise<void>): void }): string {
  const path = mkdtempSync(join(memoryDirectory() ?? tmpdir(), 'branchcast-test-'));
  // Modes in the trees may forbid others' ways of removal.
  t.teardown(() => removeTree(Buffer.from(path), new InodeWorkers()));
  return path;
}

function memoryDirectory(): string | undefined {
  try {
    accessSync('/dev/shm');
    return '/dev/shm';
  } catch {
    return undefined;
  }
}
