/**
 * What a capture has read, for the next capture of the same tree: for each entry what its inode looked like, and for each file where its
 * bytes are in which chunks. An entry is believed only while every field is as it was, the change time among them, which no ordinary program can set back (times
 * of modification can be: the files of an npm package all carry the same). docs/formats.md, "Capture cache".
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import { CAPTURE_CACHE_BYTES_MAX, CHANGE_TIME_GRAIN_MS } from '../base/limits/trees.ts';
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';
import { hashBytes } from '../chunking/hash.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import type { Entry, PathKey, Piece } from '../manifest/entry.ts';
import { sharedLength } from '../manifest/key-column.ts';
import type { Capture } from './capture-result.ts';
import type { InodeStamp } from './inode-metadata.ts';
import { readIfThere } from './state-file.ts';

const MAGIC = Buffer.from('BCTREE01');
/** magic, bytes of the facts, of the records, of the chunk table */
const HEADER_BYTES = MAGIC.byteLength + 12;
/** device, inode, size, modification and change time in nanoseconds; mode */
const STAT_BYTES = 44;
const CHUNK_BYTES = DIGEST_BYTES + 4;
const NO_CONTENT = 0xffff_ffff;
const NANOS_PER_MS = 1_000_000;

/** Where a file's bytes are. */
export interface KnownContent {
  readonly pieces: readonly Piece[];
  /** Of a small file: whether a bundle may end after it (CutKernel.hits). */
  readonly hit: boolean;
}

/** How an entry was come by. */
export interface Seen {
  readonly stamp: InodeStamp;
  /** By Date.now, before anything of it was read. */
  readonly atMs: number;
  /** See KnownContent. */
  readonly hit: boolean;
}

interface Facts {
  readonly params: ChunkerParams;
  readonly capture: Capture;
}

/** The cache of one capture, read entry by entry in key order. */
export class CaptureCache {
  readonly capture: Capture;
  readonly #records: Buffer;
  readonly #chunks: Buffer;

  private constructor(capture: Capture, records: Buffer, chunks: Buffer) {
    this.capture = capture;
    this.#records = records;
    this.#chunks = chunks;
  }

  /** undefined if there is none in the file, none of these parameters, or none that is whole. */
  static load(path: string, params: ChunkerParams): CaptureCache | undefined {
    const bytes = readIfThere(path);
    if (bytes === undefined || bytes.byteLength < HEADER_BYTES + DIGEST_BYTES || bytes.byteLength > CAPTURE_CACHE_BYTES_MAX) return undefined;
    const body = bytes.subarray(0, bytes.byteLength - DIGEST_BYTES);
    if (!body.subarray(0, MAGIC.byteLength).equals(MAGIC) || !bytes.subarray(body.byteLength).equals(hashBytes(body))) return undefined;
    const factsEnd = HEADER_BYTES + bytes.readUInt32LE(8);
    const recordsEnd = factsEnd + bytes.readUInt32LE(12);
    const facts = JSON.parse(body.toString('utf8', HEADER_BYTES, factsEnd)) as Facts;
    if (JSON.stringify(facts.params) !== JSON.stringify(params)) return undefined;
    return new CaptureCache(facts.capture, body.subarray(factsEnd, recordsEnd), body.subarray(recordsEnd, recordsEnd + bytes.readUInt32LE(16)));
  }

  /** All chunks that its files are made of, each once. */
  chunks(): Digest[] {
    return Array.from({ length: this.#chunks.byteLength / CHUNK_BYTES }, (_, index) => digestFromBytes(this.#chunks, index * CHUNK_BYTES));
  }

  /** `usable`: whether chunks may be named without their bytes at hand. */
  reader(usable: (digest: Digest) => boolean): CaptureCacheReader {
    return new CaptureCacheReader(this.#records, this.#chunks, usable);
  }
}

export class CaptureCacheReader {
  readonly #records: Buffer;
  readonly #chunks: Buffer;
  readonly #usable: (digest: Digest) => boolean;
  readonly #key = Buffer.alloc(PATH_BYTES_MAX);
  #keyBytes = 0;
  /** Where the current record's stat stands, and the next record. */
  #statAt = 0;
  #next = 0;
  #ended = false;

  constructor(records: Buffer, chunks: Buffer, usable: (digest: Digest) => boolean) {
    this.#records = records;
    this.#chunks = chunks;
    this.#usable = usable;
    this.#advance();
  }

  /** The keys of all records, in order: each until the next is asked for. */
  *keys(): Generator<PathKey, void, undefined> {
    for (; !this.#ended; this.#advance()) yield this.#key.subarray(0, this.#keyBytes);
  }

  /** Whether the entry of the current key is as it was. */
  isAsItWas(stamp: InodeStamp): boolean {
    const at = this.#statAt;
    const records = this.#records;
    return (
      records.readBigInt64LE(at + 32) === stamp.ctimeNs &&
      records.readBigUInt64LE(at + 8) === stamp.ino &&
      records.readBigUInt64LE(at) === stamp.dev &&
      records.readBigUInt64LE(at + 16) === stamp.size &&
      records.readBigInt64LE(at + 24) === stamp.mtimeNs &&
      records.readUInt32LE(at + 40) === Number(stamp.mode)
    );
  }

  /** Whether the entry is as it was. Keys must ascend from call to call; records before `key` are passed over. */
  isUnchanged(key: PathKey, stamp: InodeStamp): boolean {
    while (this.#order(key) < 0) this.#advance();
    return this.#order(key) === 0 && this.isAsItWas(stamp);
  }

  /** Content of the entry that isUnchanged was just true of: undefined if it has none or a chunk of it cannot be used. */
  content(): KnownContent | undefined {
    const records = this.#records;
    let at = this.#statAt + STAT_BYTES;
    const count = records.readUInt32LE(at);
    if (count === NO_CONTENT) return undefined;
    const hit = records.readUInt8(at + 4) === 1;
    const pieces: Piece[] = [];
    at += 5;
    for (let index = 0; index < count; index += 1, at += 12) {
      const chunkAt = records.readUInt32LE(at) * CHUNK_BYTES;
      const digest = digestFromBytes(this.#chunks, chunkAt);
      if (!this.#usable(digest)) return undefined;
      pieces.push({ digest, chunkBytes: this.#chunks.readUInt32LE(chunkAt + DIGEST_BYTES), offsetBytes: records.readUInt32LE(at + 4), lengthBytes: records.readUInt32LE(at + 8) });
    }
    return { pieces, hit };
  }

  /** Below 0: the record comes before `key`. */
  #order(key: PathKey): number {
    return this.#ended ? 1 : this.#key.compare(key, 0, key.byteLength, 0, this.#keyBytes);
  }

  #advance(): void {
    const records = this.#records;
    const at = this.#next;
    this.#ended = at >= records.byteLength;
    if (this.#ended) return;
    const shared = records.readUInt16LE(at);
    const suffixBytes = records.readUInt16LE(at + 2);
    records.copy(this.#key, shared, at + 4, at + 4 + suffixBytes);
    this.#keyBytes = shared + suffixBytes;
    this.#statAt = at + 4 + suffixBytes;
    const contentAt = this.#statAt + STAT_BYTES;
    const count = records.readUInt32LE(contentAt);
    this.#next = contentAt + 4 + (count === NO_CONTENT ? 0 : 1 + 12 * count);
  }
}

/** Collects what the next capture may believe. Stops collecting, and then writes nothing, above CAPTURE_CACHE_BYTES_MAX. */
export class CaptureCacheWriter {
  #records = Buffer.alloc(1 << 16);
  #bytes = 0;
  #lastKey: PathKey = Buffer.alloc(0);
  /** The words of a stat are gathered here: a Buffer's own calls for such numbers take several times as long. On a big-endian machine a cache would never be believed. */
  readonly #statWords = new BigUint64Array(5);
  readonly #statBytes = new Uint8Array(this.#statWords.buffer);
  readonly #chunkIndices = new Map<Digest, number>();
  readonly #chunkLengths: number[] = [];
  #full = false;

  /** An entry as it goes into the manifest. One that had changed only just before it was read is not believed: another change could hide behind the same change time. */
  add(entry: Entry, { stamp, atMs, hit }: Seen): void {
    const pieces = entry.type === 'file' && 'pieces' in entry.content && entry.content.pieces.length > 0 ? entry.content.pieces : undefined;
    const shared = sharedLength(this.#lastKey, entry.key);
    const suffixBytes = entry.key.byteLength - shared;
    this.#reserve(4 + suffixBytes + STAT_BYTES + 5 + 12 * (pieces?.length ?? 0));
    if (this.#full) return;
    const records = this.#records;
    let at = records.writeUInt16LE(suffixBytes, records.writeUInt16LE(shared, this.#bytes));
    records.set(entry.key.subarray(shared), at);
    at += suffixBytes;
    const settled = Number(stamp.ctimeNs) / NANOS_PER_MS + CHANGE_TIME_GRAIN_MS < atMs;
    const words = this.#statWords;
    words[0] = stamp.dev;
    words[1] = stamp.ino;
    words[2] = stamp.size;
    words[3] = stamp.mtimeNs;
    words[4] = settled ? stamp.ctimeNs : 0n;
    records.set(this.#statBytes, at);
    at = records.writeUInt32LE(Number(stamp.mode), at + this.#statBytes.byteLength);
    at = records.writeUInt32LE(pieces?.length ?? NO_CONTENT, at);
    if (pieces !== undefined) at = records.writeUInt8(hit ? 1 : 0, at);
    for (const { digest, chunkBytes, offsetBytes, lengthBytes } of pieces ?? []) {
      at = records.writeUInt32LE(this.#chunkIndex(digest, chunkBytes), at);
      at = records.writeUInt32LE(offsetBytes, at);
      at = records.writeUInt32LE(lengthBytes, at);
    }
    this.#bytes = at;
    this.#lastKey = entry.key;
  }

  /** Replaces the file at once. It need not be durable: one that is not whole is not believed. */
  save(path: string, params: ChunkerParams, capture: Capture): void {
    if (this.#full) {
      rmSync(path, { force: true });
      return;
    }
    const facts: Facts = { params, capture };
    const json = Buffer.from(JSON.stringify(facts));
    const chunks = Buffer.alloc(this.#chunkLengths.length * CHUNK_BYTES);
    for (const [digest, index] of this.#chunkIndices) {
      chunks.set(digestToBytes(digest), index * CHUNK_BYTES);
      chunks.writeUInt32LE(this.#chunkLengths[index] as number, index * CHUNK_BYTES + DIGEST_BYTES);
    }
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt32LE(json.byteLength, 8);
    header.writeUInt32LE(this.#bytes, 12);
    header.writeUInt32LE(chunks.byteLength, 16);
    const body = Buffer.concat([header, json, this.#records.subarray(0, this.#bytes), chunks]);
    replace(path, [body, hashBytes(body)]);
  }

  #chunkIndex(digest: Digest, chunkBytes: number): number {
    const known = this.#chunkIndices.get(digest);
    if (known !== undefined) return known;
    const index = this.#chunkLengths.push(chunkBytes) - 1;
    this.#chunkIndices.set(digest, index);
    return index;
  }

  #reserve(bytes: number): void {
    const wanted = this.#bytes + bytes;
    this.#full ||= wanted + (this.#chunkLengths.length + bytes / 12) * CHUNK_BYTES > CAPTURE_CACHE_BYTES_MAX;
    if (this.#full || wanted <= this.#records.byteLength) return;
    const grown = Buffer.alloc(Math.max(wanted, this.#records.byteLength * 2));
    this.#records.copy(grown, 0, 0, this.#bytes);
    this.#records = grown;
  }
}

/** Written aside under a name of this process, so that two captures of a tree do not mix. */
function replace(path: string, parts: readonly Uint8Array[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}`;
  const fd = openSync(aside, 'w', 0o600);
  try {
    for (const part of parts) for (let at = 0; at < part.byteLength; ) at += writeSync(fd, part, at);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
}
