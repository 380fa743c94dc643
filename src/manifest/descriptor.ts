/** The layer descriptor: what a layer is, beside the tree that its manifest describes. docs/formats.md, "Layer descriptor". */
import { decode, encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { BranchcastError } from '../base/errors.ts';
import { DESCRIPTOR_BYTES_MAX } from '../base/limits/manifests.ts';
import { checkChunkerParams } from '../chunking/check-params.ts';
import { DAG_CBOR_CODE, digestFromCid, nodeCid, type Digest } from '../chunking/digest.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import type { PathKey } from './entry.ts';
import { compareKeys, displayPath, keyProblem } from './key.ts';

const DESCRIPTOR_VERSION = 1;

export const LAYER_KINDS = ['base', 'app', 'driver', 'snapshot'] as const;
export type LayerKind = (typeof LAYER_KINDS)[number];

export interface LayerDescriptor {
  readonly kind: LayerKind;
  /** Root of the manifest. */
  readonly tree: Digest;
  readonly chunker: ChunkerParams;
  readonly entries: number;
  readonly files: number;
  readonly logicalBytes: number;
  /** Different chunks, and their bytes. */
  readonly chunks: number;
  readonly chunkBytes: number;
  readonly manifestNodes: number;
  readonly manifestBytes: number;
  /** The descriptor of the layer that this one was made from. */
  readonly parent?: Digest;
  /** What an app layer takes away: keys in ascending order. */
  readonly removes?: readonly PathKey[];
}

const COUNTS = ['entries', 'files', 'logicalBytes', 'chunks', 'chunkBytes', 'manifestNodes', 'manifestBytes'] as const;
/** What a descriptor says of the manifest's size: a walk of it can tell whether that is true. */
export type DescribedCounts = Pick<LayerDescriptor, (typeof COUNTS)[number]>;

/** The descriptor's bytes; their hash names it. Throws BC_DESCRIPTOR_MALFORMED for what decodeDescriptor would refuse. */
export function encodeDescriptor(descriptor: LayerDescriptor): Uint8Array {
  const bytes = toBytes(descriptor);
  decodeDescriptor(bytes);
  return bytes;
}

/** Strict: every field there, in range, nothing else, and the bytes exactly those that encodeDescriptor gives. Throws BC_DESCRIPTOR_MALFORMED, BC_FORMAT_VERSION. */
export function decodeDescriptor(bytes: Uint8Array): LayerDescriptor {
  if (bytes.byteLength > DESCRIPTOR_BYTES_MAX) throw malformedDescriptor(`${bytes.byteLength} bytes, more than ${DESCRIPTOR_BYTES_MAX}`);
  const map = asMap(decodeCbor(bytes), 'it');
  const version = count(map, 'v');
  if (version > DESCRIPTOR_VERSION) throw new BranchcastError('BC_FORMAT_VERSION', `a layer descriptor of version ${version}; this branchcast knows ${DESCRIPTOR_VERSION}`, { details: { version } });
  const kind = LAYER_KINDS.find((known) => known === map['kind']);
  if (version !== DESCRIPTOR_VERSION || kind === undefined) throw malformedDescriptor('"v" or "kind" is not known');
  const counts = Object.fromEntries(COUNTS.map((name) => [name, count(map, name)])) as DescribedCounts;
  const descriptor: LayerDescriptor = {
    kind,
    tree: link(map, 'tree'),
    chunker: chunker(map['chunker']),
    ...counts,
    ...('parent' in map ? { parent: link(map, 'parent') } : {}),
    ...('removes' in map ? { removes: removes(map['removes']) } : {}),
  };
  // Also refuses what is not canonical and keys that are not known.
  if (!Buffer.from(toBytes(descriptor)).equals(bytes)) throw malformedDescriptor('it is not canonical, or holds keys that are not known');
  return descriptor;
}

function toBytes({ kind, tree, chunker, parent, removes, ...counts }: LayerDescriptor): Uint8Array {
  const { algorithm, minBytes, avgBytes, maxBytes, smallFileBytesMax } = chunker;
  return encode({
    v: DESCRIPTOR_VERSION,
    kind,
    tree: nodeCid(tree),
    chunker: { algorithm, minBytes, avgBytes, maxBytes, smallFileBytesMax },
    ...counts,
    ...(parent === undefined ? {} : { parent: nodeCid(parent) }),
    ...(removes === undefined ? {} : { removes: [...removes] }),
  });
}

function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    throw malformedDescriptor('it is not DAG-CBOR', cause);
  }
}

function asMap(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value) || CID.asCID(value) !== null) throw malformedDescriptor(`${what} is not a map`);
  return value as Readonly<Record<string, unknown>>;
}

function count(map: Readonly<Record<string, unknown>>, name: string): number {
  const value = map[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformedDescriptor(`"${name}" is not a count`);
  return value;
}

function link(map: Readonly<Record<string, unknown>>, name: string): Digest {
  const cid = CID.asCID(map[name]);
  const digest = cid === null ? undefined : digestFromCid(cid, DAG_CBOR_CODE);
  if (digest === undefined) throw malformedDescriptor(`"${name}" is not a CID of a dag-cbor block with a blake3-256 digest`);
  return digest;
}

function chunker(value: unknown): ChunkerParams {
  const map = asMap(value, '"chunker"');
  const params = {
    algorithm: map['algorithm'] as ChunkerParams['algorithm'],
    minBytes: count(map, 'minBytes'),
    avgBytes: count(map, 'avgBytes'),
    maxBytes: count(map, 'maxBytes'),
    smallFileBytesMax: count(map, 'smallFileBytesMax'),
  };
  try {
    checkChunkerParams(params);
  } catch (cause) {
    throw malformedDescriptor(cause instanceof BranchcastError ? cause.message : '"chunker" cannot be used', cause);
  }
  return params;
}

function removes(value: unknown): PathKey[] {
  if (!Array.isArray(value)) throw malformedDescriptor('"removes" is not a list');
  let previous: PathKey = Buffer.alloc(0);
  return value.map((key: unknown) => {
    if (!(key instanceof Uint8Array) || keyProblem(key) !== undefined) throw malformedDescriptor('"removes" names what is no path');
    if (compareKeys(previous, key) >= 0) throw malformedDescriptor(`"removes" names the root, or ${displayPath(key)} out of order`);
    previous = key;
    return key;
  });
}

function malformedDescriptor(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_DESCRIPTOR_MALFORMED', `layer descriptor: ${what}`, cause === undefined ? {} : { cause });
}
