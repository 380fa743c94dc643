/** Takes a pack away: out of sight first, then its file, then what the index still says of it. Called by the one who writes. */
import { rm } from 'node:fs/promises';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkLedger, Pack } from './chunk-ledger.ts';
import { isGone, type PackHandles } from './pack-handles.ts';
import { scanPack } from './pack-scan.ts';

export interface RemovalParts {
  readonly pathOf: (packId: string) => string;
  readonly ledger: ChunkLedger;
  readonly handles: PackHandles;
  readonly log: Logger;
}

/** The chunks that were in it; undefined, and nothing done, if somebody reads it or `mayGo` says no at the last moment. */
export async function removePack(pack: Pack, parts: RemovalParts, mayGo: () => boolean): Promise<readonly Digest[] | undefined> {
  const { ledger, handles, pathOf, log } = parts;
  const { packId, lengthBytes, chunkCount } = pack;
  const digests = await digestsOf(pack, handles);
  if (handles.users(packId) > 0 || !mayGo()) return undefined;
  ledger.removePack(packId);
  await handles.close(packId);
  await rm(pathOf(packId), { force: true });
  log.debug({ packId, lengthBytes, chunkCount }, 'removed a pack');
  try {
    // A rotten table hides what was in it; only the index itself knows then.
    if ((await ledger.forget(packId, digests)) < chunkCount) await ledger.forget(packId, await ledger.digestsIn(packId));
  } catch (error) {
    log.warn({ err: error, packId }, 'the index still names chunks of a removed pack; they count as not stored');
  }
  return digests;
}

async function digestsOf(pack: Pack, handles: PackHandles): Promise<Digest[]> {
  const digests: Digest[] = [];
  try {
    await handles.use(pack.packId, async (handle) => {
      for await (const { header } of scanPack(handle, pack.lengthBytes)) for (const { digest } of header?.chunks ?? []) digests.push(digest);
    });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return digests;
}
