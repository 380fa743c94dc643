/**
 * Names of content: BLAKE3-256 digests, and the CIDs that say the same to the rest of the world.
 *
 * In memory a digest is its 64 lower-case hexadecimal characters: equal by `===`, usable as a Map key, readable in a log.
 * In formats and on the wire it is its 32 bytes.
 */
import { CID } from 'multiformats/cid';
import * as MultihashDigest from 'multiformats/hashes/digest';

declare const brand: unique symbol;
export type Digest = string & { readonly [brand]: 'Digest' };

export const DIGEST_BYTES = 32;

/** Codes of the multicodec table, https://github.com/multiformats/multicodec/blob/master/table.csv */
export const BLAKE3_CODE = 0x1e;
export const RAW_CODE = 0x55;
export const DAG_CBOR_CODE = 0x71;

/** The digest that stands in `bytes` at `offset`. The caller has checked that 32 bytes are there. */
export function digestFromBytes(bytes: Uint8Array, offset = 0): Digest {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, DIGEST_BYTES).toString('hex') as Digest;
}

export function digestToBytes(digest: Digest): Uint8Array {
  return Buffer.from(digest, 'hex');
}

/** Text as a digest, or undefined if it is not 64 lower-case hexadecimal characters. */
export function parseDigest(text: string): Digest | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as Digest) : undefined;
}

/** CIDv1, codec raw: a chunk. */
export function chunkCid(digest: Digest): CID {
  return CID.createV1(RAW_CODE, MultihashDigest.create(BLAKE3_CODE, digestToBytes(digest)));
}

/** CIDv1, codec dag-cbor: a manifest node, a root, a layer descriptor. */
export function nodeCid(digest: Digest): CID {
  return CID.createV1(DAG_CBOR_CODE, MultihashDigest.create(BLAKE3_CODE, digestToBytes(digest)));
}

/** The digest in a CID that has the wanted codec and a blake3-256 multihash; undefined for every other CID. */
export function digestFromCid(cid: CID, codec: typeof RAW_CODE | typeof DAG_CBOR_CODE): Digest | undefined {
  if (cid.version !== 1 || cid.code !== codec) return undefined;
  if (cid.multihash.code !== BLAKE3_CODE || cid.multihash.digest.byteLength !== DIGEST_BYTES) return undefined;
  return digestFromBytes(cid.multihash.digest);
}

/** The CID text of a manifest (`bafyr…`), as people see roots, to its digest; undefined if it is none. */
export function parseRoot(text: string): Digest | undefined {
  try {
    return digestFromCid(CID.parse(text), DAG_CBOR_CODE);
  } catch {
    return undefined;
  }
}

export function formatRoot(root: Digest): string {
  return nodeCid(root).toString();
}
