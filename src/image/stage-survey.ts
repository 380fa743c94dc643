/** A look at a whole plan before anything is touched: can this machine hold the tree, and which old files moved. */
import { BranchcastError } from '../base/errors.ts';
import { PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { contentName } from '../manifest/content-name.ts';
import type { Entry, FileEntry, HardlinkEntry, PathKey } from '../manifest/entry.ts';
import { joinManifests, type JoinedEntry, type JoinedName } from '../manifest/join.ts';
import { displayPath, keyProblem } from '../manifest/key.ts';
import type { Manifest } from '../manifest/read.ts';
import { SafetyCheck } from '../manifest/safety.ts';
import { Fate, fateOf } from './fate.ts';
import { HardlinkGroups } from './hardlink-groups.ts';
import type { OldName } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { posixSupport } from './posix.ts';

export const NO_ENTRY = -1;

export interface Survey {
  /** By the entry's number in the new manifest: that of the old entry of the same name that is of the same type and content; NO_ENTRY if there is none. */
  readonly same: readonly number[];
  /** The same for an old file of the same name that may hold the same bytes, whatever the manifests say: see isNamesake(). */
  readonly namesakes: readonly number[];
  /** By the entry's number in the old manifest: its Fate, but for hard links, on which their groups decide. */
  readonly fates: readonly number[];
  /** Old files that are gone or differ under their name, by content: a new file with that content may be the same one, moved. */
  readonly leaving: Map<string, OldName>;
  /** Files with further names, in the old tree and in the new one. */
  readonly hardlinks: HardlinkGroups;
}

/**
 * Throws BC_MANIFEST_UNSAFE or BC_MANIFEST_MALFORMED for a manifest that breaks the rules of a tree (the reader checks them as well;
 * whoever writes to the disk does not rely on that), BC_PLATFORM for what this machine cannot make.
 */
export async function surveyStage(after: Manifest, before: Manifest | undefined, longestPrefixBytes: number, pace: Pace): Promise<Survey> {
  const surveyor = new Surveyor(after, longestPrefixBytes);
  await joinManifests(before, after, (name) => surveyor.note(name), async () => (pace.due ? pace.turn() : undefined));
  return surveyor.survey;
}

class Surveyor {
  readonly survey = { same: [] as number[], namesakes: [] as number[], fates: [] as number[], leaving: new Map<string, OldName>(), hardlinks: new HardlinkGroups() } satisfies Survey;
  readonly #after: Manifest;
  readonly #longestPrefixBytes: number;
  readonly #check = new SafetyCheck();

  constructor(after: Manifest, longestPrefixBytes: number) {
    this.#after = after;
    this.#longestPrefixBytes = longestPrefixBytes;
  }

  note(name: JoinedName): void {
    const { key, old, now } = name;
    const { same, namesakes, fates, leaving, hardlinks } = this.survey;
    if (now !== undefined) this.#checkNew(key, now);
    const fate = old === undefined ? Fate.goes : fateOf(name);
    if (now !== undefined) {
      same.push(fate === Fate.stays || fate === Fate.altered ? (old as JoinedEntry).number : NO_ENTRY);
      namesakes.push(fate === Fate.namesake ? (old as JoinedEntry).number : NO_ENTRY);
      if (now.type === 'hardlink') hardlinks.noteNew(now.entry() as HardlinkEntry);
    }
    if (old === undefined) return;
    fates.push(fate);
    if (old.type === 'hardlink') hardlinks.noteOld(old.entry() as HardlinkEntry);
    else if (old.type === 'file' && (fate === Fate.goes || fate === Fate.namesake)) leaving.set(contentName(old.entry() as FileEntry), { key: new Uint8Array(key), index: old.number });
  }

  #checkNew(key: PathKey, now: JoinedEntry): void {
    const problem = keyProblem(key) ?? this.#check.next(key, now.type);
    if (problem !== undefined) throw new BranchcastError(problem.code, `manifest ${this.#after.root}: ${problem.what}`);
    checkSupported(key, now.type, this.#longestPrefixBytes);
  }
}

function checkSupported(key: PathKey, type: Entry['type'], longestPrefixBytes: number): void {
  if (type === 'fifo' && !posixSupport().fifos) throw refused(key, type, 'this machine cannot make fifos');
  if (type === 'char-device' || type === 'block-device') {
    if (!posixSupport().devices) throw refused(key, type, 'this machine cannot make device nodes');
    if (process.getuid?.() !== 0) throw refused(key, type, 'only root may make device nodes');
  }
  const pathBytes = longestPrefixBytes + 1 + key.byteLength;
  if (pathBytes >= PATH_BYTES_MAX) throw refused(key, type, `its path would have ${pathBytes} bytes here, more than ${PATH_BYTES_MAX - 1}`);
}

function refused(key: PathKey, type: Entry['type'], why: string): BranchcastError {
  return new BranchcastError('BC_PLATFORM', `cannot apply ${displayPath(key)} (${type}): ${why}`, { details: { path: displayPath(key) } });
}
