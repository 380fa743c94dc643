/** Decides where one frame ends and the next begins. */
import { FRAME_CHUNKS_MAX, FRAME_RAW_BYTES_TARGET } from '../base/limits/frames.ts';
import { encodeFrame, type Chunk, type EncodeFrameOptions } from './frame-encode.ts';

/** Whether a frame that holds so much is closed. */
export function isFullFrame(rawBytes: number, chunkCount: number): boolean {
  return rawBytes >= FRAME_RAW_BYTES_TARGET || chunkCount >= FRAME_CHUNKS_MAX;
}

/** Collects consecutive chunks into the contents of frames. Holds on to their bytes. */
export class FrameCollector {
  #chunks: Chunk[] = [];
  #rawBytes = 0;

  /** The chunks of a frame, if this one filled it. */
  add(chunk: Chunk): readonly Chunk[] | undefined {
    this.#chunks.push(chunk);
    this.#rawBytes += chunk.bytes.byteLength;
    return isFullFrame(this.#rawBytes, this.#chunks.length) ? this.finish() : undefined;
  }

  /** Those of the last frame, if any chunk is left. The collector can be used again after it. */
  finish(): readonly Chunk[] | undefined {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#rawBytes = 0;
    return chunks.length === 0 ? undefined : chunks;
  }
}

/**
 * Makes frames of about FRAME_RAW_BYTES_TARGET of consecutive chunks. Holds on to the bytes of the frame it works on: they
 * must not be overwritten before that frame has been given back.
 */
export class FrameBuilder {
  readonly #options: EncodeFrameOptions;
  readonly #collector = new FrameCollector();

  constructor(options: EncodeFrameOptions = {}) {
    this.#options = options;
  }

  /** A finished frame, if this chunk filled one. */
  add(chunk: Chunk): Uint8Array | undefined {
    return this.#encode(this.#collector.add(chunk));
  }

  /** The last frame, if any chunk is left. The builder can be used again after it. */
  finish(): Uint8Array | undefined {
    return this.#encode(this.#collector.finish());
  }

  #encode(chunks: readonly Chunk[] | undefined): Uint8Array | undefined {
    return chunks === undefined ? undefined : encodeFrame(chunks, this.#options);
  }
}
