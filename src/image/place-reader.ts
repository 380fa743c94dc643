/** Reads runs of a file that may be anything by now: what is read is believed only after it has been verified. */
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import type { Place } from './place-table.ts';

interface OpenFile {
  readonly fd: number;
  /** Reads under way on threads. */
  readCount: number;
  isLeft: boolean;
}

const readOnThread = promisify(read);

/** One for all files that are read in turn, since it holds a buffer of CHUNK_BYTES_MAX. */
export class PlaceReader {
  readonly #buffer = new Uint8Array(CHUNK_BYTES_MAX);
  #path: Buffer | undefined;
  /** undefined: not tried yet. */
  #file: OpenFile | 'unreadable' | undefined;

  /** The file whose places are read from now on. It is opened at the first. */
  turnTo(path: Buffer): void {
    this.close();
    this.#path = path;
  }

  /** The bytes at a place, valid until the next call; undefined if the file is not one, cannot be read, or is too short. */
  read({ lengthBytes, fileOffsetBytes }: Pick<Place, 'lengthBytes' | 'fileOffsetBytes'>): Uint8Array | undefined {
    this.#file ??= this.#open();
    if (this.#file === 'unreadable') return undefined;
    try {
      for (let done = 0; done < lengthBytes; ) {
        const count = readSync(this.#file.fd, this.#buffer, done, lengthBytes - done, fileOffsetBytes + done);
        if (count === 0) return undefined;
        done += count;
      }
      return this.#buffer.subarray(0, lengthBytes);
    } catch {
      return undefined;
    }
  }

  /** The same on one of Node's own threads, into a buffer that is long enough. Other files may be turned to meanwhile. */
  async readInto(into: Uint8Array, { lengthBytes, fileOffsetBytes }: Pick<Place, 'lengthBytes' | 'fileOffsetBytes'>): Promise<Uint8Array | undefined> {
    this.#file ??= this.#open();
    if (this.#file === 'unreadable') return undefined;
    const file = this.#file;
    file.readCount += 1;
    try {
      for (let done = 0; done < lengthBytes; ) {
        const { bytesRead } = await readOnThread(file.fd, into, done, lengthBytes - done, fileOffsetBytes + done);
        if (bytesRead === 0) return undefined;
        done += bytesRead;
      }
      return into.subarray(0, lengthBytes);
    } catch {
      return undefined;
    } finally {
      file.readCount -= 1;
      if (file.isLeft && file.readCount === 0) closeSync(file.fd);
    }
  }

  close(): void {
    if (typeof this.#file === 'object') {
      this.#file.isLeft = true;
      if (this.#file.readCount === 0) closeSync(this.#file.fd);
    }
    this.#file = undefined;
    this.#path = undefined;
  }

  #open(): OpenFile | 'unreadable' {
    if (this.#path === undefined) return 'unreadable';
    try {
      const fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (fstatSync(fd).isFile()) return { fd, readCount: 0, isLeft: false };
      closeSync(fd);
    } catch {
      // Gone, replaced or forbidden: the chunk comes from elsewhere.
    }
    return 'unreadable';
  }
}
