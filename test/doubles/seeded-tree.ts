/** Trees of every kind of entry, made from a seed: the same seed gives the same tree. */
import { hash } from '../../src/chunking/hash.ts';
import type { Entry, FileEntry, Metadata, PathKey, Piece } from '../../src/manifest/entry.ts';
import { compareKeys, parentKey, ROOT_KEY } from '../../src/manifest/key.ts';

/** mulberry32 (Ettinger, 2017): whole numbers below `bound`. */
export function seededNumbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** A tree by key, as hexadecimal text. */
export type Tree = Map<string, Entry>;

export function sorted(tree: Tree): Entry[] {
  return [...tree.values()].sort((a, b) => compareKeys(a.key, b.key));
}

export function seededTree(seed: number, entryCount: number): Tree {
  const next = seededNumbers(seed);
  const tree: Tree = new Map();
  const entries: Entry[] = [{ type: 'directory', key: ROOT_KEY, ...metadata(next) }];
  put(tree, entries[0] as Entry);
  while (tree.size < entryCount) entries.push(...addEntry(tree, entries, next));
  return tree;
}

/** The tree after some random additions, removals and changes. */
export function seededEdits(tree: Tree, seed: number, editCount: number): Tree {
  const next = seededNumbers(seed);
  const edited: Tree = new Map(tree);
  for (let edit = 0; edit < editCount; edit += 1) {
    const victim = [...edited.values()][next(edited.size)] as Entry;
    const kind = next(4);
    if (kind === 0) addEntry(edited, [...edited.values()], next);
    else if (kind === 1) remove(edited, victim);
    else if (kind === 2 && victim.type === 'file') put(edited, { ...fileEntry(victim.key, next) });
    else if (victim.type !== 'hardlink') put(edited, { ...victim, ...metadata(next) });
  }
  return edited;
}

/** The tree after some files and directories have moved into the root directory, with all that is in them but hard links, which are removed. */
export function seededMoves(tree: Tree, seed: number, moveCount: number): Tree {
  const next = seededNumbers(seed);
  const moved: Tree = new Map(tree);
  for (let move = 0; move < moveCount; move += 1) {
    const victim = [...moved.values()][next(moved.size)] as Entry;
    if (victim.key.length === 0) continue;
    const within = [...moved.values()].filter(({ type, key }) => type !== 'hardlink' && (key === victim.key || hex(key).startsWith(`${hex(victim.key)}00`)));
    remove(moved, victim);
    for (const entry of within) put(moved, { ...entry, key: Buffer.concat([Buffer.from(`moved ${move}`), entry.key.subarray(victim.key.length)]) });
  }
  return moved;
}

export function remove(tree: Tree, victim: Entry): void {
  if (victim.key.length === 0) return;
  const name = hex(victim.key);
  for (const [key, entry] of tree) {
    const gone = key === name || key.startsWith(`${name}00`);
    const dangling = entry.type === 'hardlink' && (hex(entry.target) === name || hex(entry.target).startsWith(`${name}00`));
    if (gone || dangling) tree.delete(key);
  }
}

/** Answers the entry that was added, if one was. */
function addEntry(tree: Tree, entries: readonly Entry[], next: (bound: number) => number): Entry[] {
  const near = entries[next(entries.length)] as Entry;
  const parent = near.type === 'directory' ? near.key : (parentKey(near.key) ?? ROOT_KEY);
  const name = next(20) === 0 ? Buffer.of(0xff, 0x80 + next(100), 0x2e) : Buffer.from(`${'abcdefgh'[next(8)] ?? ''}${next(3000)}${next(3) === 0 ? '.js' : ''}`);
  const key = parent.length === 0 ? name : Buffer.concat([parent, Buffer.of(0), name]);
  if (tree.has(hex(key))) return [];
  const common = { key, ...metadata(next) };
  const kind = next(20);
  const target = entries[next(entries.length)] as Entry;
  if (kind < 4 && key.length < 2000) put(tree, { type: 'directory', ...common });
  else if (kind === 4) put(tree, { type: 'symlink', ...common, target: Buffer.from(`../${'x'.repeat(next(50))}\u00e9`) });
  else if (kind === 5) put(tree, { type: 'fifo', ...common });
  else if (kind === 6) put(tree, { type: next(2) === 0 ? 'char-device' : 'block-device', ...common, major: next(4096), minor: next(2 ** 20) });
  else if (kind === 7 && target.type === 'file' && compareKeys(target.key, key) < 0) put(tree, { type: 'hardlink', key, target: target.key });
  else put(tree, fileEntry(key, next));
  return [tree.get(hex(key)) as Entry];
}

function fileEntry(key: PathKey, next: (bound: number) => number): FileEntry {
  const pieces: Piece[] = [];
  const pieceCount = next(30) === 0 ? 17 + next(400) : next(4);
  for (let index = 0; index < pieceCount; index += 1) {
    const name = next(5000);
    const chunkBytes = 1 + (name % 70_000);
    const offsetBytes = pieceCount > 16 ? 0 : next(chunkBytes);
    pieces.push({ digest: hash(Buffer.from(`chunk ${name}`)), chunkBytes, offsetBytes, lengthBytes: pieceCount > 16 ? chunkBytes : 1 + next(chunkBytes - offsetBytes) });
  }
  const pieceBytes = pieces.reduce((sum, piece) => sum + piece.lengthBytes, 0);
  const file: FileEntry = { type: 'file', key, ...metadata(next), sizeBytes: pieceBytes, content: { pieces } };
  if (pieceBytes === 0 || next(15) > 0) return file;
  return { ...file, sizeBytes: pieceBytes + 12_288, holes: [{ offsetBytes: 0, lengthBytes: 4096 }, { offsetBytes: 4097, lengthBytes: 8192 }] };
}

function metadata(next: (bound: number) => number): Metadata {
  const common = { mode: next(0o10000), uid: next(3) * 1000, gid: next(3) * 1000, mtimeSeconds: next(2 ** 31) - 1000, mtimeNanos: next(1_000_000_000) };
  return next(25) > 0 ? common : { ...common, xattrs: [{ name: Buffer.from('security.capability'), value: Buffer.of(next(256)) }, { name: Buffer.from('user.x'), value: Buffer.alloc(next(300)) }] };
}

function put(tree: Tree, entry: Entry): void {
  tree.set(hex(entry.key), entry);
}

function hex(key: PathKey): string {
  return Buffer.from(key).toString('hex');
}
