/** A core in this process, over a store in memory, that listens on loopback; and small layers to publish to it. */
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { hash } from '../../src/chunking/hash.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { Catalog } from '../../src/core/catalog.ts';
import { ChangeFeed } from '../../src/core/change-feed.ts';
import { Committer } from '../../src/core/committer.ts';
import { createCoreApi } from '../../src/core/core-api.ts';
import { DeltaShelf } from '../../src/core/delta-shelf.ts';
import { Deltas } from '../../src/core/deltas.ts';
import type { CoreParts } from '../../src/core/core-app.ts';
import { openLevel } from '../../src/core/open-level.ts';
import { ScrubJob } from '../../src/store/scrub-job.ts';
import { Quiet } from '../../src/core/quiet.ts';
import { RepackJob } from '../../src/core/repack-job.ts';
import { RepackLedger } from '../../src/core/repack-ledger.ts';
import { SiteRegistry } from '../../src/core/site-registry.ts';
import { UsageLedger } from '../../src/core/usage-ledger.ts';
import { buildManifest } from '../../src/manifest/build.ts';
import { encodeDescriptor } from '../../src/manifest/descriptor.ts';
import type { Entry } from '../../src/manifest/entry.ts';
import type { ChunkStore, PackKeeper, PackReader } from '../../src/store/chunk-store.ts';
import { MemoryChunkStore } from '../../src/store/memory-chunk-store.ts';
import type { HttpApi } from '../../src/base/http-api.ts';
import type { UploadBlock } from '../../src/wan/layer-uploader.ts';

const DELTA_CACHE_BYTES = 64 << 20;

export interface TestCore {
  readonly url: string;
  readonly app: HttpApi['app'];
  readonly parts: CoreParts;
  close(): Promise<void>;
}

const QUIET_MS = 1000;
/** A store in memory has no packs to keep: repacking leaves it as it is. */
const NO_KEEPER: PackKeeper = { restore: async () => 0, reclaim: async () => 0 };

function isKeeper(store: ChunkStore & PackReader): store is ChunkStore & PackReader & PackKeeper {
  return 'restore' in store;
}

export async function startTestCore(dir: string, store: ChunkStore & PackReader = new MemoryChunkStore()): Promise<TestCore> {
  const db = await openLevel(dir);
  const catalog = await Catalog.open(db);
  const sites = await SiteRegistry.open(db);
  const changes = new ChangeFeed();
  const clock = systemClock;
  const stop = new AbortController();
  const scrub = new ScrubJob(store, clock, silentLog);
  const usage = new UsageLedger(db, catalog);
  const committer = new Committer({ store, catalog, changes, clock, ledger: usage });
  const quiet = new Quiet(clock, QUIET_MS);
  const repack = new RepackJob({ store: isKeeper(store) ? store : Object.assign(store, NO_KEEPER), catalog, usage, ledger: new RepackLedger(db), quiet, clock, log: silentLog, automatic: false, level: 9 });
  repack.start();
  const deltas = new Deltas({ store, log: silentLog, shelf: await DeltaShelf.open(join(dir, 'deltas'), DELTA_CACHE_BYTES), sequenceOf: (root) => catalog.resolve({ root })?.sequence });
  const api = createCoreApi(silentLog, (traffic) => ({
    store, catalog, committer, changes, sites, traffic, scrub, deltas, repack, quiet, clock, log: silentLog, startedAt: '2026-11-21T00:00:00.000Z', closing: stop.signal,
  }));
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    app: api.app,
    parts: api.parts,
    async close() {
      stop.abort();
      await api.close();
      await deltas.close();
      await repack.close();
      await scrub.close();
      await store.close();
      await db.close();
    },
  };
}

export interface TestLayer {
  readonly root: Digest;
  readonly descriptor: Digest;
  readonly blocks: readonly UploadBlock[];
  readonly chunks: readonly Digest[];
}

/** A layer of these files, one chunk each, in the order of their names. */
export function makeLayer(files: Readonly<Record<string, Uint8Array>>): TestLayer {
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, mtimeNanos: 0 };
  const entries: Entry[] = [{ type: 'directory', key: new Uint8Array(0), ...metadata, mode: 0o755 }];
  const blocks: UploadBlock[] = [];
  const chunkBytes = new Map<Digest, number>();
  for (const [name, bytes] of Object.entries(files).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const digest = hash(bytes);
    const pieces = [{ digest, chunkBytes: bytes.byteLength, offsetBytes: 0, lengthBytes: bytes.byteLength }];
    entries.push({ type: 'file', key: Buffer.from(name), ...metadata, sizeBytes: bytes.byteLength, content: { pieces } });
    blocks.push({ digest, bytes, kind: 'chunk' });
    chunkBytes.set(digest, bytes.byteLength);
  }
  const built = buildManifest(entries, (block) => blocks.push({ ...block, kind: 'node' }));
  const descriptorBytes = encodeDescriptor({
    kind: 'base', tree: built.root, chunker: DEFAULT_CHUNKER_PARAMS, entries: built.entryCount, files: built.fileCount, logicalBytes: built.logicalBytes,
    chunks: chunkBytes.size, chunkBytes: [...chunkBytes.values()].reduce((sum, bytes) => sum + bytes, 0), manifestNodes: built.nodeCount, manifestBytes: built.nodeBytes,
  });
  const descriptor = hash(descriptorBytes);
  blocks.push({ digest: descriptor, bytes: descriptorBytes, kind: 'node' });
  return { root: built.root, descriptor, blocks, chunks: [...chunkBytes.keys()] };
}

/** Files that do not compress, each of its own bytes: the same for the same seed. */
export function noiseFiles(count: number, bytesEach: number, seed = 1): Record<string, Uint8Array> {
  let state = seed >>> 0 || 1;
  const file = (): Uint8Array => {
    const bytes = new Uint8Array(bytesEach);
    for (let at = 0; at < bytesEach; at += 1) {
      // xorshift32 (Marsaglia, 2003)
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[at] = state;
    }
    return bytes;
  };
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`file-${String(index).padStart(6, '0')}`, file()]));
}

export async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}
