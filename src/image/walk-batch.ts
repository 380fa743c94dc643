/**
 * A run of a tree's entries, in memory that threads share: for each entry the bytes of its key, a row of words (inode-rows.ts) and what is held of it: the bytes of a small file, or the
 * target of a symlink. One thread lists the names. Any may look at files and read them then: each is taken by one, and who comes to a file that nobody has taken, or that
 * another is still at, does it for himself.
 */
import { lstatSync } from 'node:fs';
import { PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { READ_AHEAD_BATCH_BYTES, READ_AHEAD_ENTRIES, READ_AHEAD_KEYS_BYTES } from '../base/limits/trees.ts';
import type { PathKey } from '../manifest/entry.ts';
import { InodeRows, ROW_WORDS, type Looked } from './inode-rows.ts';
import { pathBelow } from './key-path.ts';
import { readAsFound, type FoundFile } from './read-file.ts';
import { statOfFile, type Listed } from './walk.ts';

/** An entry as a capture takes it. */
export interface ReadEntry {
  readonly key: PathKey;
  readonly path: Buffer;
  readonly stat: Looked;
  /** Of a symlink: where it points. */
  readonly target: Buffer | undefined;
  /** When it had not been looked at yet: what is believed of it later depends on that. */
  readonly atMs: number;
  /** Of a small file that has been read as `stat` says that it is: good until the next entry is asked for. */
  readonly bytes: Uint8Array | undefined;
}

/** The number of entries, when they began to be listed, and how many bytes they hold. */
const HEADER_BYTES = 24;
/** Words of 32 bits for each entry: the end of its key among the keys, how far it has come, where what it holds begins and how long that is. */
const SPAN_WORDS = 4;
/** Listed: a file that nobody has looked at. Taken: one that a thread is at, or has given up. The others have been looked at: nothing is held of them, or a link's target, or the file's bytes. */
const AT = { listed: 0, taken: 1, seen: 2, target: 3, read: 4 } as const;

const ROWS_BYTES = READ_AHEAD_ENTRIES * ROW_WORDS * 8;
const SPANS_BYTES = READ_AHEAD_ENTRIES * SPAN_WORDS * 4;

/** What one batch takes; pages that nobody touches take no memory. */
export const WALK_BATCH_BYTES = HEADER_BYTES + ROWS_BYTES + SPANS_BYTES + READ_AHEAD_KEYS_BYTES + READ_AHEAD_BATCH_BYTES;

export class WalkBatch {
  readonly #root: Buffer;
  readonly #smallFileBytesMax: number;
  readonly #header: BigInt64Array;
  readonly #rows: InodeRows;
  readonly #spans: Int32Array;
  readonly #keys: Uint8Array;
  readonly #held: Uint8Array;

  /** Of the tree at `root`. `memory` has WALK_BATCH_BYTES. Files of 1 to `smallFileBytesMax` bytes are read; if it is 0 none is opened. */
  constructor(memory: SharedArrayBuffer, root: Buffer, smallFileBytesMax: number) {
    this.#root = root;
    this.#smallFileBytesMax = smallFileBytesMax;
    this.#header = new BigInt64Array(memory, 0, HEADER_BYTES / 8);
    this.#rows = new InodeRows(new BigInt64Array(memory, HEADER_BYTES, READ_AHEAD_ENTRIES * ROW_WORDS));
    this.#spans = new Int32Array(memory, HEADER_BYTES + ROWS_BYTES, READ_AHEAD_ENTRIES * SPAN_WORDS);
    this.#keys = new Uint8Array(memory, HEADER_BYTES + ROWS_BYTES + SPANS_BYTES, READ_AHEAD_KEYS_BYTES);
    this.#held = new Uint8Array(memory, HEADER_BYTES + ROWS_BYTES + SPANS_BYTES + READ_AHEAD_KEYS_BYTES);
  }

  /** Takes the next names, as many as there is room for: none at the end. */
  list(names: Iterator<Listed, void, undefined>): void {
    this.#header.set([0n, BigInt(Date.now()), 0n]);
    let count = 0;
    while (count < READ_AHEAD_ENTRIES && this.#keyEnd(count - 1) + PATH_BYTES_MAX <= READ_AHEAD_KEYS_BYTES) {
      const { done, value } = names.next();
      if (done === true) break;
      const keyStart = this.#keyEnd(count - 1);
      this.#keys.set(value.key, keyStart);
      this.#spans[count * SPAN_WORDS] = keyStart + value.key.byteLength;
      this.#spans[count * SPAN_WORDS + 1] = AT.listed;
      if (value.stat !== undefined) this.#note(count, value.stat, value.target);
      count += 1;
    }
    this.#header[0] = BigInt(count);
  }

  /** Entries that have been listed. */
  get count(): number {
    return Number(this.#header[0]);
  }

  /**
   * Looks at files that nobody has taken and reads them, `filesMax` at most, the last ones first: who takes entries begins with the first. What fails is left for who wants it.
   * Answers how many microseconds a file took: the median, since a thread may have to wait for others in any of them; 0 if there was none.
   */
  read(filesMax = Infinity): number {
    const micros: number[] = [];
    for (let entry = this.count - 1; entry >= 0 && micros.length < filesMax; entry -= 1) {
      if (!this.#take(entry)) continue;
      const startedMs = performance.now();
      const found = this.#find(pathBelow(this.#root, this.#key(entry)), (sizeBytes) => this.#room(entry, sizeBytes));
      if (found !== undefined) {
        this.#rows.set(entry, found.stat);
        Atomics.store(this.#spans, entry * SPAN_WORDS + 1, found.bytes === undefined ? AT.seen : AT.read);
      }
      micros.push((performance.now() - startedMs) * 1000);
    }
    return micros.sort((a, b) => a - b)[micros.length >> 1] ?? 0;
  }

  /** Takes all entries, in order. Everything but the bytes of files may be kept. Throws BC_TREE_CHANGED, BC_TREE_UNREADABLE for what cannot be looked at. */
  *entries(): Generator<ReadEntry, void, undefined> {
    const { count } = this;
    const keys = new Uint8Array(this.#keys.subarray(0, this.#keyEnd(count - 1)));
    const rows = InodeRows.ofCount(count);
    const atMs = Number(this.#header[1]);
    const own = new Uint8Array(this.#smallFileBytesMax);
    for (let entry = 0; entry < count; entry += 1) {
      const key = keys.subarray(this.#keyEnd(entry - 1), this.#keyEnd(entry));
      this.#take(entry);
      const at = Atomics.load(this.#spans, entry * SPAN_WORDS + 1);
      if (at === AT.taken) {
        const path = pathBelow(this.#root, key);
        const { stat, bytes } = this.#find(path, (sizeBytes) => own.subarray(0, sizeBytes)) ?? { stat: statOfFile(path), bytes: undefined };
        yield new BatchEntry(this.#root, { key, stat, target: undefined, atMs, bytes });
        continue;
      }
      rows.copy(entry, this.#rows);
      const target = at === AT.target ? Buffer.from(this.#heldBy(entry)) : undefined;
      yield new BatchEntry(this.#root, { key, stat: rows.at(entry) as Looked, target, atMs, bytes: at === AT.read ? this.#heldBy(entry) : undefined });
    }
  }

  /** The key of the last entry. */
  lastKey(): PathKey {
    return new Uint8Array(this.#key(this.count - 1));
  }

  #find(path: Buffer, place: (sizeBytes: number) => Uint8Array | undefined): FoundFile | undefined {
    if (this.#smallFileBytesMax > 0) return readAsFound(path, (sizeBytes) => (sizeBytes > 0 && sizeBytes <= this.#smallFileBytesMax ? place(sizeBytes) : undefined));
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.isFile() === true ? { stat, bytes: undefined } : undefined;
  }

  #note(entry: number, stat: Looked, target: Buffer | undefined): void {
    this.#rows.set(entry, stat);
    if (target !== undefined) this.#room(entry, target.byteLength)?.set(target);
    this.#spans[entry * SPAN_WORDS + 1] = target === undefined ? AT.seen : AT.target;
  }

  /** Memory for what the entry holds; undefined if there is no more. */
  #room(entry: number, bytes: number): Uint8Array | undefined {
    const start = Number(Atomics.add(this.#header, 2, BigInt(bytes)));
    if (start + bytes > READ_AHEAD_BATCH_BYTES) return undefined;
    this.#spans[entry * SPAN_WORDS + 2] = start;
    this.#spans[entry * SPAN_WORDS + 3] = bytes;
    return this.#heldBy(entry);
  }

  /** True if it is a file that nobody had taken. */
  #take(entry: number): boolean {
    return Atomics.compareExchange(this.#spans, entry * SPAN_WORDS + 1, AT.listed, AT.taken) === AT.listed;
  }

  #key(entry: number): PathKey {
    return this.#keys.subarray(this.#keyEnd(entry - 1), this.#keyEnd(entry));
  }

  #keyEnd(entry: number): number {
    return entry < 0 ? 0 : (this.#spans[entry * SPAN_WORDS] as number);
  }

  #heldBy(entry: number): Uint8Array {
    const start = this.#spans[entry * SPAN_WORDS + 2] as number;
    return this.#held.subarray(start, start + (this.#spans[entry * SPAN_WORDS + 3] as number));
  }
}

class BatchEntry implements ReadEntry {
  readonly key: PathKey;
  readonly stat: Looked;
  readonly target: Buffer | undefined;
  readonly atMs: number;
  readonly bytes: Uint8Array | undefined;
  readonly #root: Buffer;

  constructor(root: Buffer, { key, stat, target, atMs, bytes }: Omit<ReadEntry, 'path'>) {
    this.key = key;
    this.stat = stat;
    this.target = target;
    this.atMs = atMs;
    this.bytes = bytes;
    this.#root = root;
  }

  /** Made when it is asked for: of a file that has been read nobody does. */
  get path(): Buffer {
    return pathBelow(this.#root, this.key);
  }
}
