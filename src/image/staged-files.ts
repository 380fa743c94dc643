/** The new files of a stage, open while chunks arrive for them. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { STAGED_FILES_OPEN_MAX, UNCACHED_WRITE_BYTES_MIN } from '../base/limits/trees.ts';
import { CREATE_FLAGS, CREATE_MODE } from './create-file.ts';
import { pathBelow } from './key-path.ts';
import type { FilePlace, PlaceTable } from './place-table.ts';
import { writeUncached } from './posix.ts';

const OPEN_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW;

/** Bytes that stand one after the other in memory and in a file. */
interface Run {
  readonly file: number;
  readonly fileOffsetBytes: number;
  bytes: Uint8Array;
}

export class StagedFiles {
  readonly #stage: Buffer;
  readonly #table: PlaceTable;
  /** By the file's number: it is in the stage. */
  readonly #created: boolean[] = [];
  #run: Run | undefined;
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

  /**
   * A chunk's bytes for one of its places; they must stay until `flush`. Creates the file, which must not be there, at the first. What follows on the
   * bytes before it, in memory and in the file, is written together with them.
   */
  write({ file, chunkOffsetBytes, lengthBytes, fileOffsetBytes }: FilePlace, chunk: Uint8Array): void {
    const bytes = chunk.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes);
    const run = this.#run;
    if (run?.file === file && run.fileOffsetBytes + run.bytes.byteLength === fileOffsetBytes && follows(run.bytes, bytes)) {
      run.bytes = new Uint8Array(run.bytes.buffer, run.bytes.byteOffset, run.bytes.byteLength + lengthBytes);
      return;
    }
    this.flush();
    this.#run = { file, fileOffsetBytes, bytes };
  }

  /** Hands everything given so far to the system. After an error the rest of it is forgotten. */
  flush(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    const fd = this.#descriptor(run.file);
    for (let done = 0; done < run.bytes.byteLength; ) done += this.#writeSome(fd, run.bytes.subarray(done), run.fileOffsetBytes + done);
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
    const fd = openSync(path, this.#created[file] === true ? OPEN_FLAGS : CREATE_FLAGS, CREATE_MODE);
    this.#created[file] = true;
    this.#open.set(file, fd);
    return fd;
  }
}

function follows(before: Uint8Array, bytes: Uint8Array): boolean {
  return before.buffer === bytes.buffer && before.byteOffset + before.byteLength === bytes.byteOffset;
}
