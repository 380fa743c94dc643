/** Empty stores of peers, made once in a run and then copied: restic tries for three seconds how much work its key may take. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext } from '../runner/benchmark.ts';
import type { BackupStore } from './backup-store.ts';

/** Makes `dir`. */
export async function emptyStore(context: BenchContext, store: BackupStore, dir: string): Promise<void> {
  const parent = join(context.runDir, 'empty-stores');
  const empty = join(parent, store.tool);
  if (!existsSync(empty)) {
    mkdirSync(parent, { recursive: true });
    // One that is stopped on the way is nobody's.
    const part = mkdtempSync(`${empty}-`);
    await store.init(context, part);
    renameSync(part, empty);
  }
  cpSync(empty, dir, { recursive: true });
}
