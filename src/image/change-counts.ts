/** What a move from one version to another does to the entries of a directory, told from the manifests alone. */
import type { ManifestChange } from '../manifest/change.ts';
import type { FileEntry } from '../manifest/entry.ts';
import { isNamesake } from './late-links.ts';

export const CHANGE_EFFECTS = ['added', 'updated', 'downgraded', 'removed', 'metadata', 'unsure'] as const;
/**
 * `downgraded`: a file that makes way for one whose modification time is older. `metadata`: nothing else differs. `unsure`: a small file of the same size and time (what rsync takes for the same) for which the
 * new manifest names another chunk: it shares that with others, one of which has changed.
 */
export type ChangeEffect = (typeof CHANGE_EFFECTS)[number];

export type ChangeCounts = Readonly<Record<ChangeEffect, number>>;

export function effectOf({ before, after, contentChanged }: ManifestChange): ChangeEffect {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  if (!contentChanged) return 'metadata';
  if (before.type !== 'file' || after.type !== 'file') return 'updated';
  const laterBy = timeBetween(before, after);
  if (laterBy === 0 && isNamesake(before, after)) return 'unsure';
  return laterBy < 0 ? 'downgraded' : 'updated';
}

export class ChangeTally {
  readonly #counts: Record<ChangeEffect, number> = { added: 0, updated: 0, downgraded: 0, removed: 0, metadata: 0, unsure: 0 };

  add(change: ManifestChange): void {
    this.#counts[effectOf(change)] += 1;
  }

  get counts(): ChangeCounts {
    return { ...this.#counts };
  }
}

/** Its sign says which is later: negative if that is `before`. */
function timeBetween(before: FileEntry, after: FileEntry): number {
  return after.mtimeSeconds - before.mtimeSeconds || after.mtimeNanos - before.mtimeNanos;
}
