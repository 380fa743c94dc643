/** Runs in a worker thread: makes frames of chunks. See compress-pool.ts. */
import { parentPort } from 'node:worker_threads';
import { encodeFrame } from '../store/frame-encode.ts';
import type { CompressAnswer, CompressJob } from './compress-pool.ts';

const port = parentPort;
if (port === null) throw new Error('compress-worker.ts runs in a worker thread only');

port.on('message', ({ id, level, raw, chunks }: CompressJob) => {
  let at = 0;
  const cut = chunks.map(({ digest, bytes }) => ({ digest, bytes: raw.subarray(at, (at += bytes)) }));
  try {
    const frame = encodeFrame(cut, { level });
    // A copy where the frame shares its buffer with others, such as Node's pool of small ones.
    const own = frame.byteLength === frame.buffer.byteLength ? frame : new Uint8Array(frame);
    const answer: CompressAnswer = { id, frame: own };
    port.postMessage(answer, [own.buffer as ArrayBuffer]);
  } catch (error) {
    const answer: CompressAnswer = { id, error: (error as Error).message };
    port.postMessage(answer);
  }
});
