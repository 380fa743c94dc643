/** The new files of a stage, open while chunks arrive for them. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { STAGED_FILES_OPEN_MAX, UNCACHED_WRITE_BYTES_MIN } from '../base/limits.ts';
import { pathBelow } from './key-path.ts';
import type { FilePlace, PlaceTable } from './place-table.ts';
import { writeUncached } from './posix.ts';

const CREATE_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OPEN_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW;

export class StagedFiles {
  readonly #stage: Buffer;
  readonly #table: PlaceTable;
  /** By the file's number: it is in the stage. */
  readonly #created: boolean[] = [];
  /** Until the file system says that it cannot. */
  #uncached = true;
  /** The one used longest ago first. */
  readonly #open = new Map<number, number>();

  constructor(stage: Buffer, table: PlaceTable) {
    this.#stage = stage;
    this.#table = table;
  }

  isCreated(file: number): boolean {
    return this.#created[file] === true;
  }

  markCreated(file: number): void {
    this.#created[file] = true;
  }

  /** Writes a chunk's bytes into one of its places. Creates the file, which must not be there, at the first. */
  write({ file, chunkOffsetBytes, lengthBytes, fileOffsetBytes }: FilePlace, chunk: Uint8Array): void {
    const fd = this.#descriptor(file);
    for (let done = 0; done < lengthBytes; ) {
      done += this.#writeSome(fd, chunk.subarray(chunkOffsetBytes + done, chunkOffsetBytes + lengthBytes), fileOffsetBytes + done);
    }
  }

  /** What stands at a place; shorter if the file ends. */
  read({ file, lengthBytes, fileOffsetBytes }: FilePlace): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    return bytes.subarray(0, readSync(this.#descriptor(file), bytes, 0, lengthBytes, fileOffsetBytes));
  }

  create(file: number): void {
    this.#descriptor(file);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  /** Large files would push out of memory what the machine's user works with, and cost the kernel new pages: four fifths of what writing them costs. */
  #writeSome(fd: number, bytes: Uint8Array, offsetBytes: number): number {
    if (bytes.byteLength >= UNCACHED_WRITE_BYTES_MIN && this.#uncached) {
      const written = writeUncached(fd, bytes, offsetBytes);
      if (written !== undefined) return written;
      this.#uncached = false;
    }
    return writeSync(fd, bytes, 0, bytes.byteLength, offsetBytes);
  }

  #descriptor(file: number): number {
    const known = this.#open.get(file);
    if (known !== undefined) {
      this.#open.delete(file);
      this.#open.set(file, known);
      return known;
    }
    for (const [oldest, fd] of this.#open) {
      if (this.#open.size < STAGED_FILES_OPEN_MAX) break;
      closeSync(fd);
      this.#open.delete(oldest);
    }
    const path = pathBelow(this.#stage, this.#table.fileKey(file));
    const fd = openSync(path, this.#created[file] === true ? OPEN_FLAGS : CREATE_FLAGS, 0o600);
    this.#created[file] = true;
    this.#open.set(file, fd);
    return fd;
  }
}
