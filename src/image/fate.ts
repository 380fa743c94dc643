/** What a new manifest wants of an old one's names. */
import type { FileEntry } from '../manifest/entry.ts';
import type { JoinedName } from '../manifest/join.ts';
import { isNamesake } from './late-links.ts';

export const Fate = {
  /** It goes, or makes way for something else of its name. */
  goes: 0,
  /** It stays as it is. */
  stays: 1,
  /** It stays, with other metadata: a file or a directory. */
  altered: 2,
  /** It stays if it holds the right bytes, which nobody can tell yet: see isNamesake(). */
  namesake: 3,
} as const;

/** Of hard links, and of files that have some, the whole group decides: see hardlink-groups.ts. */
export function fateOf(name: JoinedName): number {
  const { old, now } = name;
  if (old === undefined || now === undefined || old.type !== now.type) return Fate.goes;
  const difference = name.difference();
  if (difference === 'none') return Fate.stays;
  // A link or a device is made anew: there is nothing in it that would be worth keeping.
  if (old.type === 'directory' || (old.type === 'file' && difference === 'metadata')) return Fate.altered;
  return old.type === 'file' && isNamesake(old.entry(), now.entry() as FileEntry) ? Fate.namesake : Fate.goes;
}
