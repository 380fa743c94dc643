/**
 * Blocks as a CARv1 stream (https://ipld.io/specs/transport/car/carv1/): `varint | header`, then for each block `varint | CID |
 * bytes`. Written here rather than with @ipld/car because the reader must bound a section before it buffers it; the tests hold
 * both directions against @ipld/car.
 */
import { decode, encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { BranchcastError } from '../base/errors.ts';
import { CAR_HEADER_BYTES_MAX, MANIFEST_BYTES_MAX, NODE_BYTES_MAX } from '../base/limits/manifests.ts';
import { VARINT_BYTES_MAX, writeVarint } from '../base/varint.ts';
import { BLAKE3_CODE, DAG_CBOR_CODE, DIGEST_BYTES, digestFromBytes, digestToBytes, nodeCid, RAW_CODE, type Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { ManifestBlock } from './entry.ts';

/** CIDv1, codec, blake3, 32, digest. */
const CID_BYTES = 4 + DIGEST_BYTES;

export interface CarBlock extends ManifestBlock {
  /** By its codec: raw or dag-cbor. */
  readonly kind: 'chunk' | 'node';
}

export interface Car {
  readonly roots: readonly CID[];
  /** To be read once. */
  readonly blocks: AsyncGenerator<CarBlock, void, undefined>;
}

export interface CarBounds {
  /** Of one block; NODE_BYTES_MAX unless told. */
  readonly blockBytesMax?: number;
  /** Of the whole stream; MANIFEST_BYTES_MAX unless told. */
  readonly totalBytesMax?: number;
}

/** A CAR whose roots are nodes. Blocks are nodes unless they say otherwise. */
export async function* writeCar(roots: readonly Digest[], blocks: AsyncIterable<ManifestBlock & Partial<CarBlock>>): AsyncGenerator<Uint8Array, void, undefined> {
  const header = encode({ roots: roots.map(nodeCid), version: 1 });
  yield Buffer.concat([varint(header.byteLength), header]);
  for await (const { digest, bytes, kind } of blocks) {
    yield Buffer.concat([varint(CID_BYTES + bytes.byteLength), Buffer.of(1, kind === 'chunk' ? RAW_CODE : DAG_CBOR_CODE, BLAKE3_CODE, DIGEST_BYTES), digestToBytes(digest), bytes]);
  }
}

/**
 * The blocks of a CAR, each verified against its CID, in memory of their own. Accepted are CIDv1 with codec dag-cbor or raw and a
 * blake3-256 digest. Throws BC_PROTOCOL for a stream that breaks the format or its bounds, BC_CHUNK_CORRUPT for wrong bytes.
 */
export async function* readCar(stream: AsyncIterable<Uint8Array>, bounds: CarBounds = {}): AsyncGenerator<CarBlock, void, undefined> {
  const { blocks } = await openCar(stream, bounds);
  yield* blocks;
}

/** The same, with the roots, which are CIDs of any kind. The stream is closed when the blocks have been read, or if this throws. */
export async function openCar(stream: AsyncIterable<Uint8Array>, bounds: CarBounds = {}): Promise<Car> {
  const { blockBytesMax = NODE_BYTES_MAX, totalBytesMax = MANIFEST_BYTES_MAX } = bounds;
  const input = new CarInput(stream, totalBytesMax);
  try {
    const headerBytes = await input.length();
    if (headerBytes === undefined) throw broken('it is empty');
    if (headerBytes > CAR_HEADER_BYTES_MAX) throw broken(`a header of ${headerBytes} bytes, more than ${CAR_HEADER_BYTES_MAX}`);
    return { roots: rootsOf(await input.take(headerBytes)), blocks: blocksOf(input, blockBytesMax) };
  } catch (error) {
    await input.close();
    throw error;
  }
}

async function* blocksOf(input: CarInput, blockBytesMax: number): AsyncGenerator<CarBlock, void, undefined> {
  try {
    for (let sectionBytes = await input.length(); sectionBytes !== undefined; sectionBytes = await input.length()) {
      if (sectionBytes <= CID_BYTES || sectionBytes > CID_BYTES + blockBytesMax) throw broken(`a section of ${sectionBytes} bytes, not ${CID_BYTES + 1} to ${CID_BYTES + blockBytesMax}`);
      const section = await input.take(sectionBytes);
      if (section[0] !== 1 || (section[1] !== DAG_CBOR_CODE && section[1] !== RAW_CODE) || section[2] !== BLAKE3_CODE || section[3] !== DIGEST_BYTES) {
        throw broken(`a CID that starts ${section.toString('hex', 0, 4)}: not one of a dag-cbor or raw block with a blake3-256 digest`);
      }
      const digest = digestFromBytes(section, CID_BYTES - DIGEST_BYTES);
      const bytes = section.subarray(CID_BYTES);
      if (hash(bytes) !== digest) throw new BranchcastError('BC_CHUNK_CORRUPT', `CAR: the ${bytes.byteLength} bytes of block ${digest} have another digest`, { details: { digest } });
      yield { digest, bytes, kind: section[1] === RAW_CODE ? 'chunk' : 'node' };
    }
  } finally {
    await input.close();
  }
}

/** Bytes of a stream in the pieces that are asked for. Holds one piece of the stream, and what is being put together. */
class CarInput {
  readonly #stream: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = Buffer.alloc(0);
  #position = 0;
  #allowedBytes: number;

  constructor(stream: AsyncIterable<Uint8Array>, totalBytesMax: number) {
    this.#stream = stream[Symbol.asyncIterator]();
    this.#allowedBytes = totalBytesMax;
  }

  /** An unsigned varint (LEB128); undefined at the end of the stream. */
  async length(): Promise<number | undefined> {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      if (this.#position === this.#piece.byteLength && !(await this.#nextPiece())) {
        if (index === 0) return undefined;
        throw broken('it ends in the middle of a length');
      }
      const byte = this.#piece[this.#position] as number;
      this.#position += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw broken(`a length of more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** The next bytes, copied. The caller has bounded the count. */
  async take(count: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafeSlow(count);
    for (let done = 0; done < count; ) {
      if (this.#position === this.#piece.byteLength && !(await this.#nextPiece())) throw broken(`it ends ${count - done} bytes before the end of a section`);
      const part = this.#piece.subarray(this.#position, this.#position + count - done);
      taken.set(part, done);
      done += part.byteLength;
      this.#position += part.byteLength;
    }
    return taken;
  }

  async close(): Promise<void> {
    await this.#stream.return?.();
  }

  /** False at the end. */
  async #nextPiece(): Promise<boolean> {
    do {
      const { done, value } = await this.#stream.next();
      if (done === true) return false;
      this.#allowedBytes -= value.byteLength;
      if (this.#allowedBytes < 0) throw broken('it is larger than its bound');
      this.#piece = value;
      this.#position = 0;
    } while (this.#piece.byteLength === 0);
    return true;
  }
}

function rootsOf(bytes: Uint8Array): CID[] {
  let header: unknown;
  try {
    header = decode(bytes);
  } catch (cause) {
    throw broken('its header is not DAG-CBOR', cause);
  }
  const { version, roots } = (header ?? {}) as { version?: unknown; roots?: unknown };
  const cids = version === 1 && Array.isArray(roots) ? roots.map((root) => CID.asCID(root)) : [null];
  if (cids.some((cid) => cid === null)) throw broken('its header is not that of a CARv1');
  return cids.filter((cid) => cid !== null);
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(VARINT_BYTES_MAX);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}

function broken(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_PROTOCOL', `CAR stream: ${what}`, cause === undefined ? {} : { cause });
}
