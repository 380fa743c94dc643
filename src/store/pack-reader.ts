/** Reads frames, chunks and ranges out of packs. What it reads is checked; what is wrong is reported, not mended. */
import { BranchcastError, throwIfAborted } from '../base/errors.ts';
import { DECODED_FRAMES_BYTES_MAX, FRAME_READS_MAX, PACK_READ_BYTES, STORED_FRAMES_BYTES_MAX } from '../base/limits/store.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLedger } from './chunk-ledger.ts';
import { frameKey, type FrameLocation } from './chunk-store.ts';
import { FrameCache } from './frame-cache.ts';
import { checkFrame, decodeFrame } from './frame-decode.ts';
import { malformed } from './frame-header.ts';
import { Lanes } from './lanes.ts';
import { isGone, readAt, type PackHandles } from './pack-handles.ts';
import { badRange, packNotFound } from './store-errors.ts';

/** Verified chunks of one frame. */
type DecodedFrame = ReadonlyMap<Digest, Uint8Array>;

export class PackFrameReader {
  readonly #ledger: ChunkLedger;
  readonly #handles: PackHandles;
  readonly #stored = new FrameCache<Uint8Array>(STORED_FRAMES_BYTES_MAX);
  readonly #decoded = new FrameCache<DecodedFrame>(DECODED_FRAMES_BYTES_MAX);
  readonly #lanes = new Lanes(FRAME_READS_MAX);

  constructor(ledger: ChunkLedger, handles: PackHandles) {
    this.#ledger = ledger;
    this.#handles = handles;
  }

  /** The frame as it stands on the disk; undefined if the location is stale. Throws BC_FRAME_MALFORMED if its checksums do not hold. */
  async read(location: FrameLocation): Promise<Uint8Array | undefined> {
    const { packId, offsetBytes, storedBytes } = location;
    if (!this.#isThere(location)) return undefined;
    // From here on the pack is held: nothing was awaited since it was found.
    const bytes = await this.#handles.use(packId, (handle) => readAt(handle, offsetBytes, storedBytes)).catch((error: unknown) => {
      throw isGone(error) ? malformed('the file of its pack is gone') : error;
    });
    checkFrame(bytes);
    return bytes;
  }

  /** As read(), less the reading if somebody else had the frame a moment ago. */
  async stored(location: FrameLocation): Promise<Uint8Array | undefined> {
    return this.#isThere(location) ? this.#stored.get(frameKey(location), location.storedBytes, () => this.read(location)) : undefined;
  }

  /** The frame's chunks, verified; undefined if the location is stale. Throws BC_FRAME_MALFORMED, BC_CHUNK_CORRUPT. */
  decoded(location: FrameLocation): Promise<DecodedFrame | undefined> {
    const decode = async (): Promise<DecodedFrame | undefined> => {
      const frame = await this.read(location);
      return frame === undefined ? undefined : new Map(decodeFrame(frame).map((chunk) => [chunk.digest, chunk.bytes]));
    };
    return this.#decoded.get(frameKey(location), location.rawBytes, () => this.#lanes.run(decode));
  }

  async *range(packId: string, startBytes: number, endBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const pack = this.#ledger.packs.get(packId);
    if (pack === undefined) throw packNotFound(packId);
    if (!(startBytes >= 0 && startBytes <= endBytes && endBytes <= pack.lengthBytes)) throw badRange(packId, startBytes, endBytes, pack.lengthBytes);
    const hold = this.#handles.hold(packId);
    try {
      const handle = await hold.handle;
      for (let offset = startBytes; offset < endBytes; ) {
        throwIfAborted(signal);
        const piece = await readAt(handle, offset, Math.min(PACK_READ_BYTES, endBytes - offset));
        if (piece.byteLength === 0) throw new BranchcastError('BC_STORE_DAMAGED', `pack ${packId} ends at ${offset}, ${pack.lengthBytes - offset} bytes too early`, { details: { packId } });
        offset += piece.byteLength;
        yield piece;
      }
    } finally {
      hold.done();
    }
  }

  #isThere({ packId, offsetBytes, storedBytes }: FrameLocation): boolean {
    return offsetBytes + storedBytes <= (this.#ledger.packs.get(packId)?.lengthBytes ?? 0);
  }
}
