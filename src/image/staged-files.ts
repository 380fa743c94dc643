/** The new files of a stage, open while chunks arrive for them. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { STAGE_WRITES_TOGETHER, STAGED_FILES_OPEN_MAX, UNCACHED_WRITE_BYTES_MIN } from '../base/limits/trees.ts';
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

interface OpenFile {
  readonly fd: number;
  /** Writes under way on threads. */
  writeCount: number;
}

export class StagedFiles {
  readonly #stage: Buffer;
  readonly #table: PlaceTable;
  /** By the file's number: it is in the stage. */
  readonly #created: boolean[] = [];
  /** Given, and not handed to the system yet. */
  #runs: Run[] = [];
  /** Until the file system says that it cannot. */
  #uncached = true;
  /** The one used longest ago first. */
  readonly #open = new Map<number, OpenFile>();

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
   * A chunk's bytes for one of its places; they must stay until they are flushed. Creates the file, which must not be there, at the first. What follows on
   * the bytes before it, in memory and in the file, is written together with them.
   */
  write({ file, chunkOffsetBytes, lengthBytes, fileOffsetBytes }: FilePlace, chunk: Uint8Array): void {
    const bytes = chunk.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes);
    const run = this.#runs.at(-1);
    if (run?.file === file && run.fileOffsetBytes + run.bytes.byteLength === fileOffsetBytes && follows(run.bytes, bytes)) {
      run.bytes = new Uint8Array(run.bytes.buffer, run.bytes.byteOffset, run.bytes.byteLength + lengthBytes);
      return;
    }
    this.#runs.push({ file, fileOffsetBytes, bytes });
  }

  /** Hands everything given so far to the system. After an error the rest of it is forgotten. */
  flush(): void {
    for (const { file, fileOffsetBytes, bytes } of this.#runs.splice(0)) writeAll(this.#opened(file).fd, bytes, fileOffsetBytes);
  }

  /**
   * The same, several large pieces at a time and past the page cache, from which they would push out what the machine's user works with: and the kernel finds new pages for
   * them, which is four fifths of what writing them costs. Nothing is being written any more when it resolves or rejects.
   */
  async flushLarge(): Promise<void> {
    const writes: Promise<void>[] = [];
    let failure: unknown;
    const write = async (run: Run): Promise<void> => this.#write(run).catch((error: unknown) => void (failure ??= error));
    for (const run of this.#runs.splice(0)) {
      if (failure !== undefined) break;
      if (writes.length >= STAGE_WRITES_TOGETHER) await writes.shift();
      writes.push(write(run));
    }
    await Promise.all(writes);
    if (failure !== undefined) throw failure;
  }

  /** What stands at a place; shorter if the file ends. */
  read({ file, lengthBytes, fileOffsetBytes }: FilePlace): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    return bytes.subarray(0, readSync(this.#opened(file).fd, bytes, 0, lengthBytes, fileOffsetBytes));
  }

  create(file: number): void {
    this.#opened(file);
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  async #write({ file, fileOffsetBytes, bytes }: Run): Promise<void> {
    const open = this.#opened(file);
    let done = 0;
    if (this.#uncached && bytes.byteLength >= UNCACHED_WRITE_BYTES_MIN) {
      open.writeCount += 1;
      for (let written: number | undefined = 0; written !== undefined && done < bytes.byteLength; done += written ?? 0) written = await writeUncached(open.fd, bytes.subarray(done), fileOffsetBytes + done);
      open.writeCount -= 1;
      if (done === bytes.byteLength) return;
    }
    const isUnsupported = this.#uncached && bytes.byteLength >= UNCACHED_WRITE_BYTES_MIN;
    writeAll(open.fd, bytes.subarray(done), fileOffsetBytes + done);
    // What works in the usual way only, this file system cannot do.
    if (isUnsupported) this.#uncached = false;
  }

  #opened(file: number): OpenFile {
    const known = this.#open.get(file);
    if (known !== undefined) {
      this.#open.delete(file);
      this.#open.set(file, known);
      return known;
    }
    for (const [oldest, { fd, writeCount }] of this.#open) {
      if (this.#open.size < STAGED_FILES_OPEN_MAX) break;
      if (writeCount > 0) continue;
      closeSync(fd);
      this.#open.delete(oldest);
    }
    const path = pathBelow(this.#stage, this.#table.fileKey(file));
    const opened = { fd: openSync(path, this.#created[file] === true ? OPEN_FLAGS : CREATE_FLAGS, CREATE_MODE), writeCount: 0 };
    this.#created[file] = true;
    this.#open.set(file, opened);
    return opened;
  }
}

function writeAll(fd: number, bytes: Uint8Array, offsetBytes: number): void {
  for (let done = 0; done < bytes.byteLength; ) done += writeSync(fd, bytes, done, bytes.byteLength - done, offsetBytes + done);
}

function follows(before: Uint8Array, bytes: Uint8Array): boolean {
  return before.buffer === bytes.buffer && before.byteOffset + before.byteLength === bytes.byteOffset;
}
