/** What many inodes looked like, in one piece of memory, as threads pass it to each other. */
import type { BigIntStats } from 'node:fs';

/** What of an lstat is passed. */
export type Looked = Pick<BigIntStats, 'ino' | 'dev' | 'size' | 'mtimeNs' | 'ctimeNs' | 'mode' | 'uid' | 'gid' | 'nlink' | 'rdev' | 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice'>;

/** ino, dev, size, mtime and ctime in nanoseconds, mode, uid, gid, nlink, rdev. All zeros where nothing was seen: every inode has a type in its mode. */
export const ROW_WORDS = 10;
/** <sys/stat.h>; of the mode, which is below 2^16. */
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFBLK = 0o060000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;

export class InodeRows {
  readonly words: BigInt64Array;

  /** `words` are those of another thread's rows. */
  constructor(words: BigInt64Array) {
    this.words = words;
  }

  static ofCount(count: number): InodeRows {
    return new InodeRows(new BigInt64Array(count * ROW_WORDS));
  }

  set(row: number, { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid, nlink, rdev }: Looked): void {
    const { words } = this;
    const at = row * ROW_WORDS;
    words[at] = ino;
    words[at + 1] = dev;
    words[at + 2] = size;
    words[at + 3] = mtimeNs;
    words[at + 4] = ctimeNs;
    words[at + 5] = mode;
    words[at + 6] = uid;
    words[at + 7] = gid;
    words[at + 8] = nlink;
    words[at + 9] = rdev;
  }

  /** The row of the same number in others. */
  copy(row: number, from: InodeRows): void {
    const at = row * ROW_WORDS;
    for (let word = at; word < at + ROW_WORDS; word += 1) this.words[word] = from.words[word] as bigint;
  }

  /** undefined if nothing was seen. */
  at(row: number): Looked | undefined {
    return this.words[row * ROW_WORDS + 5] === 0n ? undefined : new LookedRow(this.words, row * ROW_WORDS);
  }
}

class LookedRow implements Looked {
  readonly #words: BigInt64Array;
  readonly #at: number;

  constructor(words: BigInt64Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  get ino(): bigint {
    return BigInt.asUintN(64, this.#word(0));
  }
  get dev(): bigint {
    return BigInt.asUintN(64, this.#word(1));
  }
  get size(): bigint {
    return this.#word(2);
  }
  get mtimeNs(): bigint {
    return this.#word(3);
  }
  get ctimeNs(): bigint {
    return this.#word(4);
  }
  get mode(): bigint {
    return this.#word(5);
  }
  get uid(): bigint {
    return this.#word(6);
  }
  get gid(): bigint {
    return this.#word(7);
  }
  get nlink(): bigint {
    return this.#word(8);
  }
  get rdev(): bigint {
    return BigInt.asUintN(64, this.#word(9));
  }
  isFile(): boolean {
    return this.#type() === S_IFREG;
  }
  isDirectory(): boolean {
    return this.#type() === S_IFDIR;
  }
  isSymbolicLink(): boolean {
    return this.#type() === S_IFLNK;
  }
  isFIFO(): boolean {
    return this.#type() === S_IFIFO;
  }
  isSocket(): boolean {
    return this.#type() === S_IFSOCK;
  }
  isCharacterDevice(): boolean {
    return this.#type() === S_IFCHR;
  }
  isBlockDevice(): boolean {
    return this.#type() === S_IFBLK;
  }

  #type(): number {
    return Number(this.mode) & S_IFMT;
  }

  #word(word: number): bigint {
    return this.#words[this.#at + word] as bigint;
  }
}
