/** The one place where frames are verified before a store accepts them; it may move to worker threads without its callers noticing. */
import { setImmediate } from 'node:timers/promises';
import { decodeFrame } from './frame-decode.ts';
import { parseFrameHeader, type FrameHeader } from './frame-header.ts';

/** A frame of which every chunk matched its digest. */
export interface VerifiedFrame {
  readonly bytes: Uint8Array;
  readonly header: FrameHeader;
}

/** Throws BC_FRAME_MALFORMED or BC_CHUNK_CORRUPT for the first frame that fails. Other work gets its turn before each frame (some ms). */
export async function verifyFrames(frames: readonly Uint8Array[]): Promise<VerifiedFrame[]> {
  const verified: VerifiedFrame[] = [];
  for (const bytes of frames) {
    await setImmediate();
    decodeFrame(bytes);
    verified.push({ bytes, header: parseFrameHeader(bytes) as FrameHeader });
  }
  return verified;
}
