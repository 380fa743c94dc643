/**
 * Small files that are read together on another thread, in memory that both threads have: a row for each file, its path and then its bytes from the end of the rows on.
 * A row: path's offset and length, size and whether it was read (u32 each), then device, inode, modification and change time, mode (i64 each).
 */
import { READ_AHEAD_ENTRIES } from '../base/limits/trees.ts';
import type { InodeStamp } from './inode-metadata.ts';
import { readWhole } from './read-file.ts';

const U32S = 4;
const I64S = 5;
const ROW_BYTES = U32S * 4 + I64S * 8;
const ROWS_BYTES = READ_AHEAD_ENTRIES * ROW_BYTES;

export class ReadBatch {
  readonly #bytes: Uint8Array;
  readonly #numbers: Uint32Array;
  readonly #stamps: BigInt64Array;
  #count = 0;
  #endBytes = ROWS_BYTES;

  constructor(memory: SharedArrayBuffer) {
    this.#bytes = new Uint8Array(memory);
    this.#numbers = new Uint32Array(memory, 0, READ_AHEAD_ENTRIES * U32S);
    this.#stamps = new BigInt64Array(memory, READ_AHEAD_ENTRIES * U32S * 4, READ_AHEAD_ENTRIES * I64S);
  }

  /** For another use of the memory. */
  clear(): void {
    this.#count = 0;
    this.#endBytes = ROWS_BYTES;
  }

  get fileCount(): number {
    return this.#count;
  }

  /** The number of the file in the batch; undefined if there is no room for it. */
  add(path: Buffer, { dev, ino, size, mtimeNs, ctimeNs, mode }: InodeStamp): number | undefined {
    const endBytes = this.#endBytes + path.byteLength + Number(size);
    if (this.#count === READ_AHEAD_ENTRIES || endBytes > this.#bytes.byteLength) return undefined;
    this.#bytes.set(path, this.#endBytes);
    this.#numbers.set([this.#endBytes, path.byteLength, Number(size), 0], this.#count * U32S);
    [dev, ino, mtimeNs, ctimeNs, mode].forEach((value, at) => (this.#stamps[this.#count * I64S + at] = value));
    this.#endBytes = endBytes;
    this.#count += 1;
    return this.#count - 1;
  }

  /**
   * Reads some of the files, one at least, on whichever thread. One that cannot be read, or is not what it was, is left for who wants it. Answers how many microseconds a file took: the
   * median, since a thread may have to wait for others in any of them.
   */
  read(firstFile: number, endFile: number): number {
    const micros = new Float64Array(endFile - firstFile);
    for (let file = firstFile; file < endFile; file += 1) {
      const startedMs = performance.now();
      const [pathAt, pathBytes, sizeBytes] = this.#numbers.subarray(file * U32S) as unknown as [number, number, number];
      const [dev, ino, mtimeNs, ctimeNs, mode] = this.#stamps.subarray(file * I64S) as unknown as [bigint, bigint, bigint, bigint, bigint];
      const start = pathAt + pathBytes;
      try {
        readWhole(Buffer.from(this.#bytes.subarray(pathAt, start)), { dev, ino, size: BigInt(sizeBytes), mtimeNs, ctimeNs, mode }, this.#bytes.subarray(start, start + sizeBytes));
        this.#numbers[file * U32S + 3] = 1;
      } catch {
        // Whoever reads it in its turn says what is wrong with it.
      }
      micros[file - firstFile] = (performance.now() - startedMs) * 1000;
    }
    return micros.sort()[micros.length >> 1] as number;
  }

  /** A file's bytes as they were under its stamp, until `clear`; undefined if it was not read. */
  bytesOf(file: number): Uint8Array | undefined {
    const [pathAt, pathBytes, sizeBytes, isRead] = this.#numbers.subarray(file * U32S) as unknown as [number, number, number, number];
    const start = pathAt + pathBytes;
    return isRead === 1 ? this.#bytes.subarray(start, start + sizeBytes) : undefined;
  }
}
