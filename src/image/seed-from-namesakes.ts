/**
 * Chunks that no manifest says the old tree has, put together from its files of the new files' names and lengths and from what the stage holds: bundles
 * of which an earlier process linked files before it was killed; and those of a tree that is repaired.
 */
import { throwIfAborted } from '../base/errors.ts';
import { hash } from '../chunking/hash.ts';
import { pathBelow } from './key-path.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { PlaceReader } from './place-reader.ts';
import type { FilePlace } from './place-table.ts';
import { SeedWriter, type SeedInto, type SeedOptions } from './seed.ts';
import type { StagePlan } from './stage-builder.ts';

/** Writes those that are really there, by their digests. Answers their bytes. */
export async function seedFromNamesakes(old: OldTree, { table, files, lateLinks }: Pick<StagePlan, 'table' | 'files' | 'lateLinks'>, into: SeedInto, options: SeedOptions): Promise<number> {
  const pace = new Pace(options.signal);
  const reader = new PlaceReader();
  const writing = new SeedWriter(into, options);
  const read = (place: FilePlace): Uint8Array | undefined => {
    if (files.isCreated(place.file)) return files.read(place);
    reader.turnTo(pathBelow(old.path, table.fileKey(place.file)));
    return reader.read(place);
  };
  try {
    for (const { digest, chunkBytes } of table.chunks(false)) {
      if (pace.due) await pace.turn();
      const places = [...table.places(digest)];
      if (!places.some(({ file }) => lateLinks.isExpected(file)) || !places.every(({ file }) => lateLinks.isExpected(file) || files.isCreated(file))) continue;
      const chunk = assemble(places, chunkBytes, read);
      if (chunk === undefined || hash(chunk) !== digest) continue;
      await writing.add(digest, chunk);
    }
  } finally {
    reader.close();
    await writing.end();
  }
  throwIfAborted(options.signal);
  return writing.writtenBytes;
}

function assemble(places: readonly FilePlace[], chunkBytes: number, read: (place: FilePlace) => Uint8Array | undefined): Uint8Array | undefined {
  const chunk = new Uint8Array(chunkBytes);
  for (const place of places) {
    const bytes = read(place);
    if (bytes?.byteLength !== place.lengthBytes) return undefined;
    chunk.set(bytes, place.chunkOffsetBytes);
  }
  return chunk;
}
