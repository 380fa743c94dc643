/** The one place where frames are verified before a store accepts them: on worker threads, so that a process that takes in a layer answers others meanwhile. */
import { setImmediate } from 'node:timers/promises';
import { VERIFY_HERE_BYTES_MAX } from '../base/limits/store.ts';
import { verifyFrame, wholeFrameHeader } from './frame-decode.ts';
import type { FrameHeader } from './frame-header.ts';
import { storeWorkers } from './store-workers.ts';

/** A frame of which every chunk matched its digest. */
export interface VerifiedFrame {
  readonly bytes: Uint8Array;
  readonly header: FrameHeader;
}

/** Throws BC_FRAME_MALFORMED or BC_CHUNK_CORRUPT for the first frame, in their order, that fails. */
export async function verifyFrames(frames: readonly Uint8Array[]): Promise<VerifiedFrame[]> {
  const results = await Promise.allSettled(frames.map(verified));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function verified(bytes: Uint8Array): Promise<VerifiedFrame> {
  await setImmediate();
  const header = wholeFrameHeader(bytes);
  if (header.rawBytes <= VERIFY_HERE_BYTES_MAX) verifyFrame(bytes);
  else await storeWorkers().verify(bytes);
  return { bytes, header };
}
