/** A large file, read in big blocks straight into the kernel's memory and cut there: the bytes are not copied on the way. */
import type { CutKernel } from './cut-kernel.ts';

/**
 * Yields the chunks' bytes in order: views into `kernel.buffer`, valid until the next step. `read` fills as much of `into` as
 * it likes, from its start, and answers how many bytes that was: 0 at the end of the file. How it splits the file makes no
 * difference to the chunks. Until the generator has ended, the kernel serves nobody else. An empty file has no chunk.
 */
export function* cutFile(kernel: CutKernel, read: (into: Uint8Array) => number): Generator<Uint8Array, void, void> {
  const { buffer } = kernel;
  let start = 0;
  let end = 0;
  let isLast = false;
  for (;;) {
    const chunkBytes = kernel.nextCut(start, end, isLast);
    if (chunkBytes > 0) {
      yield buffer.subarray(start, start + chunkBytes);
      start += chunkBytes;
    } else if (isLast) {
      return;
    } else {
      if (end === buffer.length) {
        // What is left is less than the largest chunk, so that the move is short and room is made.
        buffer.copyWithin(0, start, end);
        end -= start;
        start = 0;
      }
      const readBytes = read(buffer.subarray(end));
      isLast = readBytes === 0;
      end += readBytes;
    }
  }
}
