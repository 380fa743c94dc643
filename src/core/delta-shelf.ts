/**
 * Sets of deltas on the disk, one file for each pair of versions, within a bound: the one that was not used for longest goes first. Its order of use
 * is the files' modification times, so that it survives a restart. Everything here can be made again: what is not whole is thrown away.
 *
 * A file is `<from>-<to>.deltas`, digests in hex: `BCDS` 00 01, two zero bytes, then delta frames one after the other. Until it is whole its name ends in `.part`.
 */
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DELTA_SET_HEADER_READ_BYTES } from '../base/limits/deltas.ts';
import type { Digest } from '../chunking/digest.ts';
import { deltaNeeds, parseDeltaHeader } from '../delta/delta-header.ts';
import { DeltaSet } from './delta-set.ts';

const SET_HEADER = Buffer.from('BCDS\x00\x01\x00\x00', 'latin1');
const WHOLE = '.deltas';
const PART = '.part';

/** A file that is being written. Frames are readable, by its set, as soon as they are appended. */
export class DeltaSetWriter {
  readonly set: DeltaSet;
  readonly #file: FileHandle;
  #bytes = SET_HEADER.byteLength;

  constructor(path: string, file: FileHandle) {
    this.set = new DeltaSet(path);
    this.#file = file;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(delta: Uint8Array): Promise<void> {
    const header = parseDeltaHeader(delta);
    if (header === undefined) return;
    await this.#file.write(delta, 0, delta.byteLength, this.#bytes);
    this.set.add(header, this.#bytes);
    this.#bytes += delta.byteLength;
  }

  async close(options: { readonly sync: boolean }): Promise<void> {
    if (options.sync) await this.#file.datasync();
    await this.#file.close();
  }
}

export class DeltaShelf {
  readonly #dir: string;
  readonly #bytesMax: number;
  /** Bytes by name of the file, the least recently used first. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  private constructor(dir: string, bytesMax: number) {
    this.#dir = dir;
    this.#bytesMax = bytesMax;
  }

  static async open(dir: string, bytesMax: number): Promise<DeltaShelf> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const shelf = new DeltaShelf(dir, bytesMax);
    const found: { readonly name: string; readonly bytes: number; readonly usedMs: number }[] = [];
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      if (!/^[0-9a-f]{64}-[0-9a-f]{64}\.deltas$/.test(name)) {
        await rm(path, { recursive: true });
        continue;
      }
      const { size, mtimeMs } = await stat(path);
      found.push({ name, bytes: size, usedMs: mtimeMs });
    }
    for (const { name, bytes } of found.sort((a, b) => a.usedMs - b.usedMs)) shelf.#note(name, bytes);
    await shelf.#makeRoom();
    return shelf;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  get setCount(): number {
    return this.#sizes.size;
  }

  /** A whole set, which counts as used now; undefined if there is none, or it does not read back right and has been removed. */
  async load(from: Digest, to: Digest): Promise<DeltaSet | undefined> {
    const name = nameOf(from, to);
    if (!this.#sizes.has(name)) return undefined;
    const set = await readSet(join(this.#dir, name)).catch(() => undefined);
    if (set === undefined) await this.drop(from, to);
    else await this.use(from, to);
    return set;
  }

  /** The set counts as used now, if it is here: also for one that somebody has in memory. */
  async use(from: Digest, to: Digest): Promise<void> {
    const name = nameOf(from, to);
    const bytes = this.#sizes.get(name);
    if (bytes === undefined) return;
    this.#sizes.delete(name);
    this.#sizes.set(name, bytes);
    const now = new Date();
    await utimes(join(this.#dir, name), now, now).catch(() => undefined);
  }

  async begin(from: Digest, to: Digest): Promise<DeltaSetWriter> {
    const path = join(this.#dir, `${nameOf(from, to)}${PART}`);
    const file = await open(path, 'w', 0o600);
    await file.write(SET_HEADER, 0, SET_HEADER.byteLength, 0);
    return new DeltaSetWriter(path, file);
  }

  /** The set is whole: it stays, and what makes it too much goes. */
  async keep(from: Digest, to: Digest, writer: DeltaSetWriter): Promise<void> {
    const name = nameOf(from, to);
    await writer.close({ sync: true });
    await rename(writer.set.path, join(this.#dir, name));
    writer.set.path = join(this.#dir, name);
    this.#note(name, writer.bytes);
    await this.#makeRoom();
  }

  /** The set will not be whole. */
  async discard(writer: DeltaSetWriter): Promise<void> {
    writer.set.discard();
    await writer.close({ sync: false });
    await rm(writer.set.path, { force: true });
  }

  async drop(from: Digest, to: Digest): Promise<void> {
    await this.#remove(nameOf(from, to));
  }

  #note(name: string, bytes: number): void {
    this.#sizes.set(name, bytes);
    this.#bytes += bytes;
  }

  async #makeRoom(): Promise<void> {
    for (const name of this.#sizes.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      await this.#remove(name);
    }
  }

  /** Who reads it has it open, and reads on. */
  async #remove(name: string): Promise<void> {
    this.#bytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
    await rm(join(this.#dir, name), { force: true });
  }
}

/** Throws for whatever is not a set from its first byte to its last; payloads are not read. */
async function readSet(path: string): Promise<DeltaSet | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(Math.min(length, size - offset));
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, offset);
      return buffer.subarray(0, bytesRead);
    };
    if (!(await read(0, SET_HEADER.byteLength)).equals(SET_HEADER)) return undefined;
    const set = new DeltaSet(path);
    for (let offset = SET_HEADER.byteLength; offset < size; ) {
      const start = await read(offset, DELTA_SET_HEADER_READ_BYTES);
      const { headerBytes, storedBytes } = deltaNeeds(start);
      const header = parseDeltaHeader(headerBytes <= start.byteLength ? start : await read(offset, headerBytes));
      if (header === undefined || storedBytes === undefined || offset + storedBytes > size) return undefined;
      set.add(header, offset);
      offset += storedBytes;
    }
    set.end();
    return set;
  } finally {
    await file.close();
  }
}

function nameOf(from: Digest, to: Digest): string {
  return `${from}-${to}${WHOLE}`;
}
