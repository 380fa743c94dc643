/** Decides where one frame ends and the next begins. */
import { FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_TARGET } from '../base/limits.ts';
import { encodeFrame, type Chunk, type EncodeFrameOptions } from './frame-encode.ts';

/**
 * Collects consecutive chunks into frames of about FRAME_RAW_BYTES_TARGET. Holds on to the bytes of the frame it works on: they
 * must not be overwritten before that frame has been given back.
 */
export class FrameBuilder {
  readonly #options: EncodeFrameOptions;
  #chunks: Chunk[] = [];
  #rawBytes = 0;

  constructor(options: EncodeFrameOptions = {}) {
    this.#options = options;
  }

  /** A finished frame, if this chunk filled one. */
  add(chunk: Chunk): Uint8Array | undefined {
    this.#chunks.push(chunk);
    this.#rawBytes += chunk.bytes.byteLength;
    return this.#rawBytes >= FRAME_RAW_BYTES_TARGET || this.#chunks.length === FRAME_CHUNKS_MAX ? this.finish() : undefined;
  }

  /** The last frame, if any chunk is left. The builder can be used again after it. */
  finish(): Uint8Array | undefined {
    if (this.#chunks.length === 0) return undefined;
    const frame = encodeFrame(this.#chunks, this.#options);
    this.#chunks = [];
    this.#rawBytes = 0;
    return frame;
  }
}
