/**
 * Renames in a stream of changes: what was removed here and added there with the same content. Exact, and by content alone; of
 * several that hold the same, names decide. Directories follow what is in them. Changes are looked at a window at a time: what leaves in
 * one window and comes back in another stays removed and added.
 */
import { isDeepStrictEqual } from 'node:util';
import { RENAME_PARTS_COMPARED_MAX, RENAME_WINDOW_CHANGES_MAX } from '../base/limits/commands.ts';
import { contentName, targetName } from './content-name.ts';
import { detached, type ManifestChange } from './change.ts';
import type { Entry, FileEntry, PathKey, Piece } from './entry.ts';
import { compareKeys, nameOfKey, parentKey } from './key.ts';

export interface Rename {
  readonly kind: 'renamed';
  readonly before: Entry;
  readonly after: Entry;
  readonly contentChanged: false;
}

export type TreeChange = ManifestChange | Rename;

/** Names of what small files hold, by their bytes: equal exactly when those are. A file may be left out. */
export type NameContents = (files: readonly FileEntry[]) => Promise<ReadonlyMap<Entry, string>>;

/** The same changes in the same order; a rename stands where the entry was added, and no more where it was removed. */
export async function* withRenames(changes: AsyncIterable<ManifestChange>, nameContents: NameContents, windowMax = RENAME_WINDOW_CHANGES_MAX): AsyncGenerator<TreeChange, void, undefined> {
  let window: ManifestChange[] = [];
  for await (const change of changes) {
    window.push(detached(change));
    if (window.length < windowMax) continue;
    yield* settled(window, nameContents);
    window = [];
  }
  yield* settled(window, nameContents);
}

async function* settled(window: readonly ManifestChange[], nameContents: NameContents): AsyncGenerator<TreeChange, void, undefined> {
  const removed = window.flatMap(({ before, after }) => (before !== undefined && after === undefined ? [before] : []));
  const added = window.flatMap(({ before, after }) => (after !== undefined && before === undefined ? [after] : []));
  const pairs = new Pairs(removed, added);
  pairs.matchContents(nameOf);
  const names = await nameContents(pairs.doubtful());
  pairs.matchContents((entry) => names.get(entry));
  pairs.matchDirectories();
  pairs.matchFollowers();
  for (const change of window) {
    if (change.before !== undefined && pairs.isTaken(change.before)) continue;
    const before = change.after === undefined ? undefined : pairs.beforeOf(change.after);
    yield before === undefined || change.after === undefined ? change : { kind: 'renamed', before, after: change.after, contentChanged: false };
  }
}

/** True if more than its name differs between the two: mode, owner, times, attributes. A hardlink has none of its own. */
export function metadataDiffers({ before, after }: Rename): boolean {
  return !isDeepStrictEqual(metadata(before), metadata(after));
}

function metadata(entry: Entry): unknown {
  if (entry.type === 'hardlink') return undefined;
  const { mode, uid, gid, mtimeSeconds, mtimeNanos, xattrs } = entry;
  return { mode, uid, gid, mtimeSeconds, mtimeNanos, xattrs };
}

/** Known without a look at the bytes. */
function nameOf(entry: Entry): string | undefined {
  if (entry.type === 'symlink') return targetName(entry);
  return entry.type === 'file' && entry.sizeBytes > 0 ? contentName(entry) : undefined;
}

/** Two files of one piece each may hold the same bytes in different chunks; with more, equal files have equal chunks. */
export function onlyPiece(entry: Entry): Piece | undefined {
  return entry.type === 'file' && 'pieces' in entry.content && entry.content.pieces.length === 1 ? entry.content.pieces[0] : undefined;
}

/** Which removed entry became which added one. */
class Pairs {
  readonly #removed: readonly Entry[];
  readonly #added: readonly Entry[];
  readonly #byKey: ReadonlyMap<string, Entry>;
  readonly #addedByKey: ReadonlyMap<string, Entry>;
  readonly #afterOf = new Map<Entry, Entry>();
  readonly #beforeOf = new Map<Entry, Entry>();

  constructor(removed: readonly Entry[], added: readonly Entry[]) {
    this.#removed = removed;
    this.#added = added;
    this.#byKey = new Map(removed.map((entry) => [text(entry.key), entry]));
    this.#addedByKey = new Map(added.map((entry) => [text(entry.key), entry]));
  }

  isTaken(before: Entry): boolean {
    return this.#afterOf.has(before);
  }

  beforeOf(after: Entry): Entry | undefined {
    return this.#beforeOf.get(after);
  }

  /** Pairs what has the same name of its content, by the paths where several have it. */
  matchContents(name: (entry: Entry) => string | undefined): void {
    const [olds, news] = [grouped(this.#leftRemoved(), name), grouped(this.#leftAdded(), name)];
    for (const [content, added] of news) this.#matchNames(olds.get(content) ?? [], added);
  }

  /** Files that are not paired, whose bytes alone can say whether they moved. */
  doubtful(): FileEntry[] {
    const [removed, added] = [ofOnePiece(this.#leftRemoved()), ofOnePiece(this.#leftAdded())];
    const [oldSizes, newSizes] = [new Set(removed.map(({ sizeBytes }) => sizeBytes)), new Set(added.map(({ sizeBytes }) => sizeBytes))];
    return [...removed.filter(({ sizeBytes }) => newSizes.has(sizeBytes)), ...added.filter(({ sizeBytes }) => oldSizes.has(sizeBytes))];
  }

  /** The longest common end of a path first: `a/lib/x` is rather `b/lib/x` than `c/x`. What has another name stays as near as it can. */
  #matchNames(removed: readonly Entry[], added: readonly Entry[]): void {
    const [first, only] = [removed[0], added[0]];
    if (first === undefined || only === undefined) return;
    if (removed.length === 1 && added.length === 1) return this.#pair(first, only);
    for (let parts = RENAME_PARTS_COMPARED_MAX; parts > 0; parts -= 1) this.#matchInOrder(removed, added, (path) => (path.length < parts ? undefined : path.slice(-parts).join('\0')));
    for (let parts = RENAME_PARTS_COMPARED_MAX; parts >= 0; parts -= 1) this.#matchInOrder(removed, added, (path) => (path.length <= parts ? undefined : path.slice(0, parts).join('\0')));
  }

  #matchInOrder(removed: readonly Entry[], added: readonly Entry[], part: (path: readonly string[]) => string | undefined): void {
    const partOf = ({ key }: Entry): string | undefined => part(text(key).split('\0'));
    const olds = grouped(removed.filter((entry) => !this.#afterOf.has(entry)), partOf);
    for (const [name, news] of grouped(added.filter((entry) => !this.#beforeOf.has(entry)), partOf)) {
      for (const [index, before] of (olds.get(name) ?? []).entries()) if (news[index] !== undefined) this.#pair(before, news[index]);
    }
  }

  /** A directory went where at least half of what was in it went, if that is at least half of what is in the new one. From the deepest up. */
  matchDirectories(): void {
    const votes = new Map<Entry, Map<Entry, number>>();
    const vote = (before: Entry, after: Entry): void => {
      const [old, now] = [this.#parent(this.#byKey, before), this.#parent(this.#addedByKey, after)];
      if (old?.type !== 'directory' || now?.type !== 'directory' || Buffer.compare(nameOfKey(before.key), nameOfKey(after.key)) !== 0) return;
      const counts = votes.get(old) ?? new Map<Entry, number>();
      votes.set(old, counts.set(now, (counts.get(now) ?? 0) + 1));
    };
    for (const [after, before] of this.#beforeOf) vote(before, after);
    const [children, newChildren] = [this.#childCounts(this.#removed, this.#byKey), this.#childCounts(this.#added, this.#addedByKey)];
    const directories = this.#removed.filter(({ type }) => type === 'directory').sort((a, b) => depth(b.key) - depth(a.key) || compareKeys(a.key, b.key));
    for (const before of directories) {
      const isMajority = ([after, count]: [Entry, number]): boolean => !this.#beforeOf.has(after) && 2 * count >= (children.get(before) ?? 0) && 2 * count >= (newChildren.get(after) ?? 0);
      const [best] = [...(votes.get(before) ?? [])].filter(isMajority).sort(([a, aCount], [b, bCount]) => bCount - aCount || compareKeys(a.key, b.key));
      if (best === undefined) continue;
      this.#pair(before, best[0]);
      vote(before, best[0]);
    }
  }

  /** What has no content to be known by moves with its directory: empty files and directories, devices, fifos, further names of a file. */
  matchFollowers(): void {
    for (const before of this.#removed) {
      const parent = this.#parent(this.#byKey, before);
      const movedTo = parent === undefined ? undefined : this.#afterOf.get(parent);
      if (movedTo === undefined || this.#afterOf.has(before)) continue;
      const after = this.#addedByKey.get(childText(movedTo.key, nameOfKey(before.key)));
      if (after !== undefined && !this.#beforeOf.has(after) && this.#holdsNothingElse(before, after)) this.#pair(before, after);
    }
  }

  #holdsNothingElse(before: Entry, after: Entry): boolean {
    switch (before.type) {
      case 'directory':
      case 'fifo':
        return after.type === before.type;
      case 'file':
        return after.type === 'file' && before.sizeBytes === 0 && after.sizeBytes === 0;
      case 'char-device':
      case 'block-device':
        return after.type === before.type && after.major === before.major && after.minor === before.minor;
      case 'hardlink': {
        const first = this.#byKey.get(text(before.target));
        const target = (first === undefined ? undefined : this.#afterOf.get(first)?.key) ?? before.target;
        return after.type === 'hardlink' && compareKeys(after.target, target) === 0;
      }
      case 'symlink':
      default:
        return false;
    }
  }

  /** Of what can say where it went. */
  #childCounts(entries: readonly Entry[], byKey: ReadonlyMap<string, Entry>): Map<Entry, number> {
    const counts = new Map<Entry, number>();
    for (const entry of entries) {
      const isFollower = entry.type !== 'directory' && nameOf(entry) === undefined;
      const parent = isFollower ? undefined : this.#parent(byKey, entry);
      if (parent !== undefined) counts.set(parent, (counts.get(parent) ?? 0) + 1);
    }
    return counts;
  }

  #parent(byKey: ReadonlyMap<string, Entry>, { key }: Entry): Entry | undefined {
    const parent = parentKey(key);
    return parent === undefined ? undefined : byKey.get(text(parent));
  }

  #pair(before: Entry, after: Entry): void {
    this.#afterOf.set(before, after);
    this.#beforeOf.set(after, before);
  }

  *#leftRemoved(): Generator<Entry, void, undefined> {
    for (const entry of this.#removed) if (!this.#afterOf.has(entry)) yield entry;
  }

  *#leftAdded(): Generator<Entry, void, undefined> {
    for (const entry of this.#added) if (!this.#beforeOf.has(entry)) yield entry;
  }
}

function ofOnePiece(entries: Iterable<Entry>): FileEntry[] {
  return [...entries].filter((entry) => entry.type === 'file').filter((file) => onlyPiece(file) !== undefined);
}

function grouped(entries: Iterable<Entry>, name: (entry: Entry) => string | undefined): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = name(entry);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** A key as a map's key: bytes that are not UTF-8 stay different. */
function text(key: PathKey): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function childText(directory: PathKey, name: Uint8Array): string {
  return directory.length === 0 ? text(name) : `${text(directory)}\0${text(name)}`;
}

function depth(key: PathKey): number {
  return text(key).split('\0').length;
}
