/** Whole files in memory, cut as cutFile cuts them. */
import { cutFile } from '../../src/chunking/cut-file.ts';
import type { CutKernel } from '../../src/chunking/cut-kernel.ts';

/** A `read` for cutFile that gives at most `readBytes(call number)` bytes at a time. */
export function reader(file: Uint8Array, readBytes: (call: number) => number = () => Number.POSITIVE_INFINITY): (into: Uint8Array) => number {
  let offset = 0;
  let call = 0;
  return (into) => {
    const end = Math.min(file.length, offset + into.length, offset + readBytes(call));
    call += 1;
    into.set(file.subarray(offset, end));
    const count = end - offset;
    offset = end;
    return count;
  };
}

/** Something about each chunk of the file, in order. */
export function mapChunks<T>(kernel: CutKernel, file: Uint8Array, of: (chunk: Uint8Array) => T): T[] {
  return cutFile(kernel, reader(file)).map(of).toArray();
}
