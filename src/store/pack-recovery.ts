/**
 * What the packs on the disk hold, when a store is opened. Packs whose length the index knows are taken at its word; of the others
 * what the index lacks is read, a torn tail is cut off, and all but one are sealed.
 */
import { open, readdir, stat, truncate, unlink, type FileHandle } from 'node:fs/promises';
import type { Logger } from '../base/log.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { newPack, type ChunkLedger, type Pack } from './chunk-ledger.ts';
import type { PackRecord } from './index-records.ts';
import { PackAppender } from './pack-appender.ts';
import { checkPackHeader, isPackId, PACK_HEADER, type FrameSpan } from './pack-format.ts';
import { readAt } from './pack-handles.ts';
import { readFooter, scanPack, type ScannedFrame } from './pack-scan.ts';

export interface RecoveryOptions {
  readonly dir: string;
  readonly pathOf: (packId: string) => string;
  readonly packBytesTarget: number;
  readonly index: ChunkIndex;
  readonly ledger: ChunkLedger;
  readonly log: Logger;
}

export interface RecoveredPacks {
  /** The pack to go on with. */
  readonly open: PackAppender | undefined;
  readonly newestId: string | undefined;
}

/** A pack without a footer, and its frames. */
interface Unsealed {
  readonly pack: Pack;
  readonly frames: FrameSpan[];
}

/** Frames go into the index so many at a time. */
const ADOPT_BATCH = 256;

export async function recoverPacks(options: RecoveryOptions): Promise<RecoveredPacks> {
  const { dir, pathOf, index, ledger, packBytesTarget, log } = options;
  const packIds = (await readdir(dir)).filter((name) => name.endsWith('.pack')).map((name) => name.slice(0, -'.pack'.length)).filter(isPackId).sort();
  const records = new Map<string, PackRecord | undefined>();
  for await (const [packId, record] of index.packs()) records.set(packId, record);
  const unsealed: Unsealed[] = [];
  for (const packId of packIds) {
    const { size } = await stat(pathOf(packId));
    const record = records.get(packId);
    records.delete(packId);
    if (record?.sealed === true && record.lengthBytes === size) ledger.packs.set(packId, { ...record, packId, pinnedRawBytes: 0 });
    else await recoverPack(options, packId, size, record).then((found) => (found === undefined ? 0 : unsealed.push(found)));
  }
  // Their chunks are found nowhere any more (ChunkLedger.find); scrub clears the index of them.
  await index.write([], [...records.keys()].map((packId) => ({ packId, record: undefined })));
  if (records.size > 0) log.info({ packs: records.size }, 'packs that the index knew are gone');
  const last = unsealed.findLast(({ pack }) => pack.lengthBytes < packBytesTarget);
  for (const one of unsealed) if (one !== last) await sealLate(options, one);
  return {
    open: last === undefined ? undefined : await PackAppender.resume(last.pack.packId, pathOf(last.pack.packId), last.frames, last.pack.lengthBytes),
    newestId: packIds.at(-1),
  };
}

/** Takes what the index lacks of a pack into it. Returns the pack if it is not sealed and not empty. */
async function recoverPack(options: RecoveryOptions, packId: string, sizeBytes: number, record: PackRecord | undefined): Promise<Unsealed | undefined> {
  const { ledger, pathOf, log } = options;
  const shrunk = record !== undefined && sizeBytes < record.lengthBytes;
  if (shrunk) {
    log.error({ packId, sizeBytes, knownBytes: record.lengthBytes }, 'a pack is shorter than it was; what is left of it is kept');
    await ledger.forget(packId, await ledger.digestsIn(packId));
  }
  const known = shrunk ? undefined : record;
  const pack: Pack = known === undefined ? newPack(packId, 0) : { ...known, packId, sealed: false, pinnedRawBytes: 0 };
  ledger.packs.set(packId, pack);
  const handle = await open(pathOf(packId), 'r');
  try {
    checkPackHeader(packId, await readAt(handle, 0, PACK_HEADER.byteLength));
    const sealed = (await readFooter(handle, sizeBytes)) !== undefined;
    const frames = await adoptFrames(ledger, pack, handle, { sizeBytes, sealed, knownBytes: known?.lengthBytes ?? 0 });
    if (sealed) {
      pack.sealed = true;
      pack.lengthBytes = sizeBytes;
      await ledger.apply([], [pack]);
      return undefined;
    }
    return await cutTail(options, { pack, frames }, sizeBytes);
  } finally {
    await handle.close();
  }
}

/** All whole frames of the pack; those beyond what the index knows are taken into it. */
async function adoptFrames(ledger: ChunkLedger, pack: Pack, handle: FileHandle, file: { sizeBytes: number; sealed: boolean; knownBytes: number }): Promise<FrameSpan[]> {
  const frames: FrameSpan[] = [];
  let batch: ScannedFrame[] = [];
  const adopt = async (): Promise<void> => {
    const last = batch.at(-1);
    if (last === undefined) return;
    pack.frameCount = frames.length;
    pack.lengthBytes = last.offsetBytes + last.storedBytes;
    const changes = batch.flatMap(({ header, offsetBytes, storedBytes }) =>
      (header?.chunks ?? []).map(({ digest, bytes }) => ledger.change(digest, { packId: pack.packId, offsetBytes, storedBytes, rawBytes: header?.rawBytes ?? 0, chunkBytes: bytes })));
    await ledger.apply(changes, [pack]);
    batch = [];
  };
  // What a footer names was synced before the footer was written; in the tail of an open pack only digests tell.
  const known = file.knownBytes > 0 && !file.sealed ? scanPack(handle, file.knownBytes) : [];
  for await (const { offsetBytes, storedBytes } of known) frames.push({ offsetBytes, storedBytes });
  const options = file.sealed ? {} : { payloads: true, ...(file.knownBytes > 0 ? { fromBytes: file.knownBytes } : {}) };
  for await (const frame of scanPack(handle, file.sizeBytes, options)) {
    if (frame.header === undefined) continue;
    frames.push({ offsetBytes: frame.offsetBytes, storedBytes: frame.storedBytes });
    if (frame.offsetBytes >= file.knownBytes) batch.push(frame);
    if (batch.length === ADOPT_BATCH) await adopt();
  }
  await adopt();
  pack.frameCount = frames.length;
  return frames;
}

async function cutTail(options: RecoveryOptions, found: Unsealed, sizeBytes: number): Promise<Unsealed | undefined> {
  const { pack } = found;
  const { ledger, pathOf, log, index } = options;
  if (pack.frameCount === 0) {
    ledger.removePack(pack.packId);
    await unlink(pathOf(pack.packId));
    await index.write([], [{ packId: pack.packId, record: undefined }]);
    return undefined;
  }
  if (sizeBytes > pack.lengthBytes) {
    log.info({ packId: pack.packId, tornBytes: sizeBytes - pack.lengthBytes }, 'cut a torn tail off a pack');
    await truncate(pathOf(pack.packId), pack.lengthBytes);
  }
  return found;
}

/** A pack that nothing will be added to. Without a footer it can be read as well, so a failure (a full disk) does not matter now. */
async function sealLate(options: RecoveryOptions, { pack, frames }: Unsealed): Promise<void> {
  const appender = await PackAppender.resume(pack.packId, options.pathOf(pack.packId), frames, pack.lengthBytes);
  try {
    await appender.seal();
    pack.lengthBytes = appender.bytes;
    pack.sealed = true;
    await options.ledger.apply([], [pack]);
  } catch (error) {
    options.log.warn({ err: error, packId: pack.packId }, 'a pack could not be sealed');
    await appender.rollback(pack.lengthBytes).catch(() => undefined);
  } finally {
    await appender.close();
  }
}
