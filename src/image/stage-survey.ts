/** A look at a whole plan before anything is touched: can this machine hold the tree, and which old files moved. */
import { BranchcastError } from '../base/errors.ts';
import { PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { contentName, isSameContent } from '../manifest/content-name.ts';
import type { Entry, HardlinkEntry, PathKey } from '../manifest/entry.ts';
import { displayPath } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { firstProblem, SafetyCheck } from '../manifest/safety.ts';
import { joinByKey } from './join-by-key.ts';
import { isNamesake } from './late-links.ts';
import type { OldName } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { posixSupport } from './posix.ts';

export const NO_FILE = -1;

export interface Survey {
  /** By the entry's number in the new manifest: that of the old file of the same name and content; NO_FILE if there is none. */
  readonly same: readonly number[];
  /** The same for an old file of the same name that may hold the same bytes, whatever the manifests say: see isNamesake(). */
  readonly namesakes: readonly number[];
  /** Old files that are gone or differ under their name, by content: a new file with that content may be the same one, moved. */
  readonly leaving: Map<string, OldName>;
  /** Further names of the new tree's files, by the first as latin1 text. */
  readonly hardlinks: Map<string, PathKey[]>;
}

/**
 * Throws BC_MANIFEST_UNSAFE or BC_MANIFEST_MALFORMED for a manifest that breaks the rules of a tree (the reader checks them as well;
 * whoever writes to the disk does not rely on that), BC_PLATFORM for what this machine cannot make.
 */
export async function surveyStage(after: Manifest, before: Manifest | undefined, longestPrefixBytes: number, pace: Pace): Promise<Survey> {
  const same: number[] = [];
  const namesakes: number[] = [];
  const leaving = new Map<string, OldName>();
  const hardlinks = new Map<string, PathKey[]>();
  const check = new SafetyCheck();
  for await (const joined of joinByKey(before?.runs() ?? [], after.runs())) {
    for (const { left: old, right: entry, leftIndex } of joined) {
      const isSame = old?.type === 'file' && entry?.type === 'file' && isSameContent(entry, old);
      if (entry !== undefined) {
        const problem = firstProblem(check, entry);
        if (problem !== undefined) throw new BranchcastError(problem.code, `manifest ${after.root}: ${problem.what}`);
        checkSupported(entry, longestPrefixBytes);
        if (entry.type === 'hardlink') noteHardlink(hardlinks, entry);
        same.push(isSame ? leftIndex : NO_FILE);
        namesakes.push(entry.type === 'file' && isNamesake(old, entry) ? leftIndex : NO_FILE);
      }
      if (old?.type === 'file' && !isSame) leaving.set(contentName(old), { key: old.key, index: leftIndex });
    }
    if (pace.due) await pace.turn();
  }
  return { same, namesakes, leaving, hardlinks };
}

function noteHardlink(hardlinks: Map<string, PathKey[]>, { key, target }: HardlinkEntry): void {
  const first = Buffer.from(target).toString('latin1');
  const names = hardlinks.get(first);
  if (names === undefined) hardlinks.set(first, [key]);
  else names.push(key);
}

function checkSupported(entry: Entry, longestPrefixBytes: number): void {
  const { type, key } = entry;
  if (type === 'fifo' && !posixSupport().fifos) throw refused(entry, 'this machine cannot make fifos');
  if (type === 'char-device' || type === 'block-device') {
    if (!posixSupport().devices) throw refused(entry, 'this machine cannot make device nodes');
    if (process.getuid?.() !== 0) throw refused(entry, 'only root may make device nodes');
  }
  const pathBytes = longestPrefixBytes + 1 + key.byteLength;
  if (pathBytes >= PATH_BYTES_MAX) throw refused(entry, `its path would have ${pathBytes} bytes here, more than ${PATH_BYTES_MAX - 1}`);
}

function refused({ key, type }: Entry, why: string): BranchcastError {
  return new BranchcastError('BC_PLATFORM', `cannot apply ${displayPath(key)} (${type}): ${why}`, { details: { path: displayPath(key) } });
}
