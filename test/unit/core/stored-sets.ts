/** Small sets of deltas for a shelf: three deltas against one old chunk, the same for every pair of versions. */
import type { Digest } from '../../../src/chunking/digest.ts';
import type { DeltaShelf } from '../../../src/core/delta-shelf.ts';
import { encodeDelta } from '../../../src/delta/delta-encode.ts';
import { chunkOf, noise } from '../store/chunks.ts';

const old = chunkOf(noise(20_000, 1));
export const fresh = Array.from({ length: 3 }, (_, at) => chunkOf(Buffer.concat([old.bytes, Buffer.of(at)])));
export const deltas = fresh.map((chunk) => encodeDelta([chunk], [old], 20_000) as Uint8Array);
export const SET_BYTES = 8 + deltas.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** One digit. */
export const version = (number: number): Digest => String(number).repeat(64) as Digest;

export async function keep(shelf: DeltaShelf, from: number, to: number): Promise<void> {
  const writer = await shelf.begin(version(from), version(to));
  for (const delta of deltas) await writer.append(delta);
  await shelf.keep(version(from), version(to), writer);
}
