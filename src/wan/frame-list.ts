/** The answer to `POST /v1/locate`: which frames hold the wanted chunks. docs/protocols.md, "Frame list", gives the bytes. */
import { BranchcastError } from '../base/errors.ts';
import { FRAME_RAW_BYTES_MAX, FRAME_STORED_BYTES_MAX } from '../base/limits/frames.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import type { FrameLocation } from '../store/chunk-store.ts';

export interface WantedFrame extends FrameLocation {
  /** Sum of the lengths of the wanted chunks in it. */
  readonly wantedRawBytes: number;
  /** Indices of the wanted chunks in the list of digests that was asked about. */
  readonly wanted: readonly number[];
}

const PACK_ID = /^[a-z0-9]{1,32}$/;
const FRAME_HEADER_BYTES = 4 + 8 + 4 + 4 + 4 + 4;

/** `frames` are sorted by pack and offset. */
export function encodeFrameList(frames: readonly WantedFrame[]): Uint8Array {
  const packIds = [...new Set(frames.map((frame) => frame.packId))];
  const packIndex = new Map(packIds.map((id, index) => [id, index]));
  const indexCount = frames.reduce((sum, frame) => sum + frame.wanted.length, 0);
  const packBytes = packIds.reduce((sum, id) => sum + 1 + id.length, 0);
  const out = Buffer.alloc(4 + packBytes + 4 + frames.length * FRAME_HEADER_BYTES + indexCount * 4);
  let at = out.writeUInt32LE(packIds.length, 0);
  for (const id of packIds) {
    at = out.writeUInt8(id.length, at);
    at += out.write(id, at, 'latin1');
  }
  at = out.writeUInt32LE(frames.length, at);
  for (const frame of frames) {
    at = out.writeUInt32LE(packIndex.get(frame.packId) ?? 0, at);
    at = out.writeBigUInt64LE(BigInt(frame.offsetBytes), at);
    at = out.writeUInt32LE(frame.storedBytes, at);
    at = out.writeUInt32LE(frame.rawBytes, at);
    at = out.writeUInt32LE(frame.wantedRawBytes, at);
    at = out.writeUInt32LE(frame.wanted.length, at);
    for (const index of frame.wanted) at = out.writeUInt32LE(index, at);
  }
  return out;
}

/** Throws BC_PROTOCOL for anything that is not a frame list over `digestCount` digests in which each stands at most once. */
export function decodeFrameList(bytes: Uint8Array, digestCount: number): WantedFrame[] {
  const reader = new Reader(bytes);
  const packIds: string[] = [];
  for (let left = reader.count(REQUEST_DIGESTS_MAX, 'packs'); left > 0; left -= 1) packIds.push(reader.packId());
  const frames: WantedFrame[] = [];
  const seen = new Uint8Array(digestCount);
  let last: WantedFrame | undefined;
  for (let left = reader.count(REQUEST_DIGESTS_MAX, 'frames'); left > 0; left -= 1) {
    const packId = packIds[reader.u32()] ?? malformed('a frame is in no pack of the list');
    const offsetBytes = reader.u64();
    const storedBytes = reader.u32();
    const rawBytes = reader.u32();
    const wantedRawBytes = reader.u32();
    if (storedBytes === 0 || storedBytes > FRAME_STORED_BYTES_MAX || rawBytes > FRAME_RAW_BYTES_MAX || wantedRawBytes > rawBytes) malformed('a frame is out of bounds');
    if (last?.packId === packId && offsetBytes < last.offsetBytes + last.storedBytes) malformed('frames overlap or are not in order');
    const wanted: number[] = [];
    for (let indices = reader.count(digestCount, 'digests'); indices > 0; indices -= 1) {
      const index = reader.u32();
      if (index >= digestCount || seen[index] === 1) malformed('a digest is named twice or was not asked about');
      seen[index] = 1;
      wanted.push(index);
    }
    if (wanted.length === 0) malformed('a frame holds nothing that was asked for');
    last = { packId, offsetBytes, storedBytes, rawBytes, wantedRawBytes, wanted };
    frames.push(last);
  }
  reader.end();
  return frames;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    const at = this.#advance(4);
    return this.#bytes.readUInt32LE(at);
  }

  u64(): number {
    const value = Number(this.#bytes.readBigUInt64LE(this.#advance(8)));
    return Number.isSafeInteger(value) ? value : malformed('an offset is out of bounds');
  }

  count(max: number, what: string): number {
    const count = this.u32();
    return count <= max ? count : malformed(`${count} ${what}, at most ${max} can be`);
  }

  packId(): string {
    const length = this.#bytes.readUInt8(this.#advance(1));
    const at = this.#advance(length);
    const id = this.#bytes.toString('latin1', at, at + length);
    return PACK_ID.test(id) ? id : malformed('a pack id is out of form');
  }

  end(): void {
    if (this.#at !== this.#bytes.length) malformed(`${this.#bytes.length - this.#at} bytes follow its end`);
  }

  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) malformed('it is cut off');
    this.#at = at + count;
    return at;
  }
}

function malformed(what: string): never {
  throw new BranchcastError('BC_PROTOCOL', `malformed frame list: ${what}`);
}
