/** A directory that nobody can remove by its path. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const NAME = 'x'.repeat(200);
/** Together longer than a path may be; each alone is not. */
const PARTS = 12;

/** Makes it, on the disk of its parent. Answers how to make it removable again. */
export function makeUnremovable(path: string): () => void {
  const upper = join(path, ...Array.from({ length: PARTS }, () => NAME));
  const lower = join(dirname(path), `${basename(path)}-lower`);
  mkdirSync(join(lower, ...Array.from({ length: PARTS }, () => NAME)), { recursive: true });
  mkdirSync(upper, { recursive: true });
  renameSync(lower, join(upper, 'lower'));
  return () => {
    renameSync(join(upper, 'lower'), lower);
    rmSync(lower, { recursive: true });
  };
}
