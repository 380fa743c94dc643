/**
 * Two bounds that js-libp2p's yamux (v8) lacks (https://github.com/hashicorp/yamux/blob/master/spec.md, "Framing"):
 * - It gathers a whole data frame before it looks whether the window allows it, so that one header which announces 4 GiB makes the
 *   process hold what follows. The guard reads the headers beforehand and ends a connection that announces more than a window.
 * - It answers pings and window updates of a peer that does not read, into a buffer without end. Beyond the bound the connection ends.
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';

const HEADER_BYTES = 12;
const TYPE_OFFSET = 1;
const LENGTH_OFFSET = 8;
const DATA_TYPE = 0;

export interface MuxerBounds {
  /** Data in a frame that a peer sends. */
  readonly frameBytesMax: number;
  /** What may wait until the peer reads. */
  readonly backlogBytesMax: number;
}

/** The same muxer, held to the bounds. */
export function guardMuxer<C>(make: (components: C) => StreamMuxerFactory, bounds: MuxerBounds): (components: C) => StreamMuxerFactory {
  return (components) => {
    const factory = make(components);
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        // Listeners are called in the order in which they came: the guard's before the muxer's.
        guard(connection, bounds.frameBytesMax);
        connection.maxWriteBufferLength = bounds.backlogBytesMax;
        return factory.createStreamMuxer(connection);
      },
    };
  };
}

function guard(connection: MessageStream, frameBytesMax: number): void {
  const headers = new FrameHeaders();
  connection.addEventListener('message', ({ data }) => {
    for (const piece of data instanceof Uint8Array ? [data] : data) {
      const announced = headers.largestIn(piece);
      if (announced <= frameBytesMax) continue;
      connection.abort(new Error(`a yamux frame of ${announced} bytes was announced; the bound is ${frameBytesMax}`));
      return;
    }
  });
}

/** Follows the frames through a stream of bytes that comes in any pieces. */
export class FrameHeaders {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the frame's data, still to come. */
  #dataBytes = 0;

  /** The longest data that a header completed by this piece announces; 0 if none does. */
  largestIn(piece: Uint8Array): number {
    let largest = 0;
    for (let offset = 0; offset < piece.byteLength; ) {
      const skipped = Math.min(this.#dataBytes, piece.byteLength - offset);
      this.#dataBytes -= skipped;
      offset += skipped;
      const taken = Math.min(HEADER_BYTES - this.#headerBytes, piece.byteLength - offset);
      this.#header.set(piece.subarray(offset, offset + taken), this.#headerBytes);
      this.#headerBytes += taken;
      offset += taken;
      if (this.#headerBytes < HEADER_BYTES) break;
      this.#headerBytes = 0;
      // Only data frames carry bytes; elsewhere the field means something else.
      this.#dataBytes = this.#header.readUInt8(TYPE_OFFSET) === DATA_TYPE ? this.#header.readUInt32BE(LENGTH_OFFSET) : 0;
      largest = Math.max(largest, this.#dataBytes);
    }
    return largest;
  }
}
