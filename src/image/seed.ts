/** The local seed: chunks that the old tree can supply. */
import { throwIfAborted, hasCode } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import { ChunkAssembly } from './chunk-assembly.ts';
import { eachPlace } from './file-places.ts';
import { pathBelow } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { PlaceReader } from './place-reader.ts';
import type { Place } from './place-table.ts';

export interface SeedInto {
  /** Length of a chunk that is still wanted; undefined for every other. */
  missing(digest: Digest): number | undefined;
  readonly missingBytes: number;
  write(digest: Digest, bytes: Uint8Array): void;
}

export interface SeedOptions {
  readonly signal?: AbortSignal | undefined;
  /** A chunk was written. */
  readonly onChunk?: ((chunkBytes: number) => void) | undefined;
}

/**
 * Looks for wanted chunks where the old manifest says that they are, and writes those that are really there, by their digest.
 * Answers their bytes. An old manifest with gaps supplies what can be found.
 */
export async function seedFrom(old: OldTree, into: SeedInto, options: SeedOptions): Promise<number> {
  const { signal, onChunk } = options;
  const pace = new Pace(signal);
  const assembly = new ChunkAssembly();
  const reader = new PlaceReader();
  let seededBytes = 0;
  const take = (place: Place): void => {
    if (into.missing(place.digest) !== place.chunkBytes) return;
    const bytes = reader.read(place);
    const chunk = bytes === undefined ? undefined : assembly.add(place, bytes);
    if (chunk === undefined || hash(chunk) !== place.digest) return;
    into.write(place.digest, chunk);
    seededBytes += chunk.byteLength;
    onChunk?.(chunk.byteLength);
  };
  try {
    for await (const entry of old.manifest.filesOf((digest) => into.missing(digest) !== undefined)) {
      if (into.missingBytes === 0) break;
      if (pace.due) await pace.turn();
      reader.turnTo(pathBelow(old.path, entry.key));
      await eachPlace(old.manifest, entry, pace, take);
    }
  } catch (error) {
    if (!hasCode(error, 'BC_MANIFEST_INCOMPLETE')) throw error;
  } finally {
    reader.close();
  }
  throwIfAborted(signal);
  return seededBytes;
}
