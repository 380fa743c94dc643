/** Reads runs of a file that may be anything by now: what is read is believed only after it has been verified. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import type { Place } from './place-table.ts';

/** One for all files that are read in turn, since it holds a buffer of CHUNK_BYTES_MAX. */
export class PlaceReader {
  readonly #buffer = new Uint8Array(CHUNK_BYTES_MAX);
  #path: Buffer | undefined;
  /** undefined: not tried yet. */
  #fd: number | 'unreadable' | undefined;

  /** The file whose places are read from now on. It is opened at the first. */
  turnTo(path: Buffer): void {
    this.close();
    this.#path = path;
  }

  /** The bytes at a place, valid until the next call; undefined if the file is not one, cannot be read, or is too short. */
  read({ lengthBytes, fileOffsetBytes }: Pick<Place, 'lengthBytes' | 'fileOffsetBytes'>): Uint8Array | undefined {
    this.#fd ??= this.#open();
    if (this.#fd === 'unreadable') return undefined;
    try {
      for (let done = 0; done < lengthBytes; ) {
        const count = readSync(this.#fd, this.#buffer, done, lengthBytes - done, fileOffsetBytes + done);
        if (count === 0) return undefined;
        done += count;
      }
      return this.#buffer.subarray(0, lengthBytes);
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (typeof this.#fd === 'number') closeSync(this.#fd);
    this.#fd = undefined;
    this.#path = undefined;
  }

  #open(): number | 'unreadable' {
    if (this.#path === undefined) return 'unreadable';
    try {
      const fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (fstatSync(fd).isFile()) return fd;
      closeSync(fd);
    } catch {
      // Gone, replaced or forbidden: the chunk comes from elsewhere.
    }
    return 'unreadable';
  }
}
