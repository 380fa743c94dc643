/** Reads and verifies every frame, drops what has rotted, and brings the index back in line with the packs. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { EntryChange } from './chunk-index.ts';
import type { ChunkLedger, Pack } from './chunk-ledger.ts';
import type { FrameLocation, ScrubOptions, ScrubReport } from './chunk-store.ts';
import type { Exclusive } from './exclusive.ts';
import { decodeFrame } from './frame-decode.ts';
import type { FrameChunk } from './chunk-table.ts';
import { parseFrameHeader, type FrameHeader } from './frame-header.ts';
import { isGone, type PackHandles } from './pack-handles.ts';
import type { PackFrameReader } from './pack-reader.ts';
import { scanPack } from './pack-scan.ts';
import { isRot } from './store-errors.ts';

export interface ScrubParts {
  readonly ledger: ChunkLedger;
  readonly handles: PackHandles;
  readonly reader: PackFrameReader;
  readonly exclusive: Exclusive;
}

export async function scrubPacks(parts: ScrubParts, options: ScrubOptions): Promise<ScrubReport> {
  const totalBytes = parts.ledger.storedBytes;
  const report = { frameCount: 0, chunkCount: 0, rawBytes: 0, dropped: [] as Digest[] };
  let doneBytes = 0;
  const packs = Array.from(parts.ledger.packs.values());
  for (const pack of packs) {
    const { lengthBytes } = pack;
    await scrubPack(parts, pack, report, (storedBytes) => options.onProgress?.(Math.min(totalBytes, doneBytes + storedBytes), totalBytes), options.signal);
    doneBytes += lengthBytes;
    options.onProgress?.(Math.min(totalBytes, doneBytes), totalBytes);
  }
  await parts.exclusive.run(async () => {
    const orphans = await parts.ledger.orphans();
    // A look that finds nothing amiss writes nothing: it works on a disk that is full.
    if (orphans.length > 0) await parts.ledger.apply(orphans.map((digest) => ({ digest, before: undefined, after: undefined })), []);
  });
  return report;
}

interface Tally {
  frameCount: number;
  chunkCount: number;
  rawBytes: number;
  readonly dropped: Digest[];
}

async function scrubPack(parts: ScrubParts, pack: Pack, tally: Tally, onProgress: (storedBytes: number) => void, signal: AbortSignal | undefined): Promise<void> {
  const { ledger } = parts;
  const { packId, lengthBytes } = pack;
  if (ledger.packs.get(packId) !== pack) return;
  const sound = new Set<number>();
  let liveCount = 0;
  for (const location of await framesOf(parts, pack)) {
    throwIfAborted(signal);
    // Evicted meanwhile.
    if (ledger.packs.get(packId) !== pack) return;
    const header = await verify(parts.reader, location);
    tally.frameCount += 1;
    if (header !== undefined) {
      sound.add(location.offsetBytes);
      await reindex(parts, location, header);
      const live = header.chunks.filter(({ digest }) => isAt(ledger.find(digest), location));
      liveCount += live.length;
      tally.chunkCount += live.length;
      tally.rawBytes += live.reduce((sum, chunk) => sum + chunk.bytes, 0);
    }
    onProgress(location.offsetBytes + location.storedBytes);
    await setImmediate();
  }
  if (liveCount < pack.chunkCount) await parts.exclusive.run(() => dropUnsound(ledger, packId, (offset) => offset < lengthBytes && !sound.has(offset), tally));
}

/** The pack is held only while its headers are read: a scrub must not keep it from eviction. */
async function framesOf({ handles }: ScrubParts, { packId, lengthBytes }: Pack): Promise<FrameLocation[]> {
  const frames: FrameLocation[] = [];
  try {
    await handles.use(packId, async (handle) => {
      for await (const { offsetBytes, storedBytes, header } of scanPack(handle, lengthBytes)) frames.push({ packId, offsetBytes, storedBytes, rawBytes: header?.rawBytes ?? 0 });
    });
  } catch (error) {
    // Somebody took the file away: what the index finds in it is dropped.
    if (!isGone(error)) throw error;
  }
  return frames;
}

/** The header of a frame that is sound to the last chunk. */
async function verify(reader: PackFrameReader, location: FrameLocation): Promise<FrameHeader | undefined> {
  try {
    const frame = await reader.read(location);
    if (frame === undefined) return undefined;
    decodeFrame(frame);
    return parseFrameHeader(frame);
  } catch (error) {
    if (isRot(error)) return undefined;
    throw error;
  }
}

/** Chunks of a sound frame that the index does not know (it was damaged, or named a copy that rotted) become known. */
async function reindex({ ledger, exclusive }: ScrubParts, location: FrameLocation, header: FrameHeader): Promise<void> {
  const unknown = (): FrameChunk[] => header.chunks.filter(({ digest }) => ledger.find(digest) === undefined);
  if (unknown().length === 0) return;
  await exclusive.run(async () => {
    if (ledger.packs.has(location.packId)) await ledger.apply(unknown().map(({ digest, bytes }) => ledger.change(digest, { ...location, chunkBytes: bytes })), []);
  });
}

async function dropUnsound(ledger: ChunkLedger, packId: string, isUnsound: (offsetBytes: number) => boolean, tally: Tally): Promise<void> {
  const lost: EntryChange[] = [];
  for (const digest of await ledger.digestsIn(packId)) {
    const change = ledger.change(digest, undefined);
    if (change.before?.packId !== packId || !isUnsound(change.before.offsetBytes)) continue;
    lost.push(change);
    tally.chunkCount += 1;
    tally.rawBytes += change.before.chunkBytes;
    tally.dropped.push(digest);
  }
  await ledger.apply(lost, []);
}

function isAt(found: FrameLocation | undefined, location: FrameLocation): boolean {
  return found?.packId === location.packId && found.offsetBytes === location.offsetBytes;
}
