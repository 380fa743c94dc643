/** Opens a LevelDB, and says in our words why that cannot be. */
import { Level } from 'level';
import { BranchcastError } from '../base/errors.ts';

export async function openLevel(dir: string): Promise<Level> {
  const db = new Level(dir, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  try {
    await db.open();
    return db;
  } catch (thrown) {
    const cause = (thrown as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === 'LEVEL_LOCKED') throw new BranchcastError('BC_STORE_LOCKED', `another process has ${dir} open`, { cause: thrown });
    throw new BranchcastError('BC_STORE_DAMAGED', `cannot open ${dir}: ${cause?.message ?? String(thrown)}`, { cause: thrown });
  }
}
