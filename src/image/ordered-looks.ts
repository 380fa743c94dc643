/**
 * Looks at the entries of a tree one after the other, in key order: each by its name in the directory that it is in, which is kept open meanwhile. The kernel goes along one name then, not along a whole
 * path, and nothing is made of the answer but what is asked for: half the time of an lstat.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { NAME_BYTES_MAX } from '../base/limits/manifests.ts';
import { LOOKS_BY_PATH, LOOKS_DIRECTORIES_MAX } from '../base/limits/trees.ts';
import type { PathKey } from '../manifest/entry.ts';
import { isWithin, NUL, parentLength } from '../manifest/key.ts';
import type { InodeStamp } from './inode-metadata.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';
import { deviceNumber, hasStatx, O_PATH, STATX_BYTES, statxAt } from './posix.ts';

interface OpenDirectory {
  readonly key: PathKey;
  readonly fd: number;
}

export class OrderedLooks {
  readonly #root: Buffer;
  readonly #byPathMax: number;
  #count = 0;
  /** From the root down: each is in the one before it, but for such as were too many. */
  readonly #open: OpenDirectory[] = [];
  readonly #name = new Uint8Array(NAME_BYTES_MAX + 1);
  readonly #statx = new Uint8Array(STATX_BYTES);
  readonly #stamp = new StatxStamp(this.#statx.buffer);

  /** Of the tree at `root`. The first `byPathMax` entries are looked at by their paths. */
  constructor(root: Buffer, byPathMax = LOOKS_BY_PATH) {
    this.#root = root;
    this.#byPathMax = byPathMax;
  }

  /** What the entry looks like, until the next is asked for; undefined if nothing is there. Throws what lstat throws else. The key may change afterwards. */
  at(key: PathKey): InodeStamp | undefined {
    this.#count += 1;
    if (this.#count > this.#byPathMax && key.length > 0 && hasStatx()) {
      const nameAt = parentLength(key);
      const directory = this.#directory(key.subarray(0, nameAt));
      if (directory !== undefined) {
        // What stands in the root has no NUL before its name.
        const from = nameAt === 0 ? 0 : nameAt + 1;
        const nameBytes = key.length - from;
        for (let at = 0; at < nameBytes; at += 1) this.#name[at] = key[from + at] as number;
        this.#name[nameBytes] = NUL;
        if (statxAt(directory.fd, this.#name, this.#statx)) return this.#stamp;
      }
    }
    return lstatIfThere(pathBelow(this.#root, key));
  }

  close(): void {
    while (this.#open.length > 0) this.#closeLast();
  }

  /** undefined if it cannot be opened: what is in it is looked at by its path then. */
  #directory(key: PathKey): OpenDirectory | undefined {
    let last = this.#open.at(-1);
    while (last !== undefined && !isWithin(key, last.key)) {
      this.#closeLast();
      last = this.#open.at(-1);
    }
    if (last?.key.length === key.length) return last;
    if (this.#open.length === LOOKS_DIRECTORIES_MAX) this.close();
    try {
      const fd = openSync(pathBelow(this.#root, key), O_PATH | constants.O_DIRECTORY | (key.length === 0 ? 0 : constants.O_NOFOLLOW));
      const opened = { key: new Uint8Array(key), fd };
      this.#open.push(opened);
      return opened;
    } catch {
      return undefined;
    }
  }

  #closeLast(): void {
    const last = this.#open.pop();
    if (last !== undefined) closeSync(last.fd);
  }
}

const NANOS = 1_000_000_000n;

/** The last struct statx, each field made when it is asked for. */
class StatxStamp implements InodeStamp {
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #signed: BigInt64Array;
  #device: { readonly major: number; readonly minor: number; readonly number: bigint } | undefined;

  constructor(statx: ArrayBuffer) {
    this.#words = new Uint32Array(statx);
    this.#longs = new BigUint64Array(statx);
    this.#signed = new BigInt64Array(statx);
  }

  // stx_uid and stx_gid stand at 20 and 24; stx_mode is the lower half of its word at 28; stx_ino, stx_size, stx_ctime, stx_mtime, stx_dev_major and stx_dev_minor stand at 32, 40, 96, 112, 136 and 140.
  get mode(): bigint {
    return BigInt((this.#words[7] as number) & 0xffff);
  }

  get uid(): bigint {
    return BigInt(this.#words[5] as number);
  }

  get gid(): bigint {
    return BigInt(this.#words[6] as number);
  }

  get ino(): bigint {
    return this.#longs[4] as bigint;
  }

  get size(): bigint {
    return this.#longs[5] as bigint;
  }

  get ctimeNs(): bigint {
    return (this.#signed[12] as bigint) * NANOS + BigInt(this.#words[26] as number);
  }

  get mtimeNs(): bigint {
    return (this.#signed[14] as bigint) * NANOS + BigInt(this.#words[30] as number);
  }

  get dev(): bigint {
    const [major, minor] = [this.#words[34] as number, this.#words[35] as number];
    // Mostly the one before.
    if (this.#device?.major !== major || this.#device.minor !== minor) this.#device = { major, minor, number: deviceNumber(major, minor) };
    return this.#device.number;
  }
}
