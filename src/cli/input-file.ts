/** A file that a command reads: by its name, or `-` for stdin. */
import { createReadStream } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';

const READ_BYTES = 1 << 20;

/** Throws BC_USAGE for what cannot be read, and the signal's reason. */
export async function* readInput(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  signal.throwIfAborted();
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
  const stop = (): void => void stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (cause) {
    signal.throwIfAborted();
    throw new BranchcastError('BC_USAGE', `cannot read ${file === '-' ? 'stdin' : file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}
