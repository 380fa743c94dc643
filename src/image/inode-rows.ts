/** What many inodes looked like, in one piece of memory, as threads pass it to each other. */
import type { BigIntStats } from 'node:fs';

/** What of an lstat is passed. */
export type Looked = Pick<BigIntStats, 'ino' | 'dev' | 'size' | 'mtimeNs' | 'ctimeNs' | 'mode' | 'uid' | 'gid' | 'isFile' | 'isSymbolicLink'>;

/** ino, dev, size, mtime and ctime in nanoseconds, mode, uid, gid. All zeros where nothing was seen: every inode has a type in its mode. */
const ROW_WORDS = 8;
/** <sys/stat.h> */
const S_IFMT = 0o170000n;
const S_IFREG = 0o100000n;
const S_IFLNK = 0o120000n;

export class InodeRows {
  readonly words: BigInt64Array;

  /** `words` are those of another thread's rows. */
  constructor(words: BigInt64Array) {
    this.words = words;
  }

  static ofCount(count: number): InodeRows {
    return new InodeRows(new BigInt64Array(count * ROW_WORDS));
  }

  set(row: number, { ino, dev, size, mtimeNs, ctimeNs, mode, uid, gid }: Looked): void {
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
  isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  #word(word: number): bigint {
    return this.#words[this.#at + word] as bigint;
  }
}
