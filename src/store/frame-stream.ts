/** Cuts a stream of frames that stand one after the other, as they travel in requests, answers and packs. */
import type { BranchcastError } from '../base/errors.ts';
import { FRAME_FIXED_BYTES, frameNeeds, malformed, parseFrameHeader } from './frame-header.ts';

/** How a kind of frame tells its length. */
export interface FrameForm {
  /** Bytes from its start on that are needed for the next step: the fixed part, the header, or else (`storedBytes`) all of it. */
  needs(start: Uint8Array): { readonly headerBytes: number; readonly storedBytes: number | undefined };
  /** Enough of its start for `needs`. */
  readonly startBytes: number;
  /** Throws if the header, which is all there, is not one. */
  check(header: Uint8Array): void;
  malformed(what: string): BranchcastError;
}

/** Whole frames of docs/formats.md, "Frame". See splitByForm. */
export function splitFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  return splitByForm(stream, FRAME_FORM);
}

/**
 * Whole frames, in order. Bounds are checked on a frame's first bytes, its table before its payload is waited for: a hostile stream
 * makes this hold at most one frame of FRAME_STORED_BYTES_MAX and one piece of the stream. Payloads are not checked: that is decodeFrame's.
 * Throws BC_FRAME_MALFORMED; also when the stream ends inside a frame.
 */
export async function* splitByForm(stream: AsyncIterable<Uint8Array>, form: FrameForm): AsyncGenerator<Uint8Array, void, undefined> {
  const waiting = new ByteQueue();
  let headerChecked = false;
  for await (const piece of stream) {
    waiting.push(piece);
    for (;;) {
      const { headerBytes, storedBytes } = form.needs(waiting.peek(form.startBytes));
      if (storedBytes === undefined || waiting.byteLength < headerBytes) break;
      if (!headerChecked) form.check(waiting.peek(headerBytes));
      headerChecked = waiting.byteLength < storedBytes;
      if (headerChecked) break;
      yield waiting.take(storedBytes);
    }
  }
  if (waiting.byteLength > 0) throw form.malformed(`the stream ended ${waiting.byteLength} bytes into it`);
}

const FRAME_FORM: FrameForm = { needs: frameNeeds, startBytes: FRAME_FIXED_BYTES, check: parseFrameHeader, malformed };

/** Pieces of a stream, joined only when a whole frame is there: joining at every piece would cost the square of its length. */
class ByteQueue {
  #pieces: Uint8Array[] = [];
  byteLength = 0;

  push(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(piece);
    this.byteLength += piece.byteLength;
  }

  /** Up to so many bytes from the front, which stay. */
  peek(bytes: number): Uint8Array {
    const first = this.#pieces[0];
    if (first === undefined) return new Uint8Array(0);
    if (first.byteLength >= bytes) return first.subarray(0, bytes);
    const front: Uint8Array[] = [];
    for (let have = 0, i = 0; have < bytes && i < this.#pieces.length; i += 1) {
      const piece = this.#pieces[i] as Uint8Array;
      front.push(piece.subarray(0, bytes - have));
      have += piece.byteLength;
    }
    return Buffer.concat(front);
  }

  /** The first `bytes` bytes, in memory of their own: it can be given back when the frame is done with. The caller knows that they are there. */
  take(bytes: number): Uint8Array {
    const taken = new Uint8Array(bytes);
    let have = 0;
    let used = 0;
    for (; have < bytes; used += 1) {
      const piece = this.#pieces[used] as Uint8Array;
      const part = piece.subarray(0, bytes - have);
      taken.set(part, have);
      have += part.byteLength;
      if (part.byteLength === piece.byteLength) continue;
      this.#pieces[used] = piece.subarray(part.byteLength);
      break;
    }
    this.#pieces.splice(0, used);
    this.byteLength -= bytes;
    return taken;
  }
}
