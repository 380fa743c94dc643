/**
 * Makes the delta frames from one version to another: first by path and place, which streams in the order of the tree; then, for new chunks to
 * which that gave too little, by likeness: their sketches are looked up among those of the old chunks that the new version no longer has,
 * and the neighbours of a hit are the base; at last without a base what would otherwise make frames travel that deltas bring the rest of (leftovers.ts).
 */
import { DELTA_BASE_BYTES_TARGET, DELTA_LIKE_MARGIN_BYTES, DELTA_RAW_BYTES_MAX } from '../base/limits/deltas.ts';
import type { Digest } from '../chunking/digest.ts';
import { Manifest } from '../manifest/read.ts';
import type { Chunk } from '../store/frame-encode.ts';
import type { ChunkColumn } from './chunk-column.ts';
import { encodeDelta } from './delta-encode.ts';
import { LeftoverCosts } from './leftovers.ts';
import type { LocatedChunks } from './located-chunks.ts';
import { OldSequence, placeRuns, runsOf, type DeltaRun, type OldPart } from './old-parts.ts';
import { planDeltas, type DeltaPlan } from './plan.ts';
import { Scratch } from './scratch.ts';
import { sketch, SketchIndex } from './sketch.ts';

export type DeltaStep =
  /** First, once: the chunks that the new version has and the old one has not, as far as deltas are thought of. */
  | { readonly kind: 'planned'; readonly chunks: readonly Digest[] }
  /** What became of some of them: a delta frame, or none that saves enough. Each is in one of these. */
  | { readonly kind: 'made'; readonly chunks: readonly Digest[]; readonly delta: Uint8Array | undefined };

/** Throws what reading the manifests throws. */
export async function* makeDeltas(from: Digest, to: Digest, store: LocatedChunks): AsyncGenerator<DeltaStep, void, undefined> {
  // Copies, since a manifest's reader keeps nodes.
  const manifest = (root: Digest): Manifest => new Manifest(root, async (digest) => {
    const bytes = await store.read(digest);
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  });
  const plan = await planDeltas(manifest(from), manifest(to));
  yield { kind: 'planned', chunks: plan?.fresh.digests ?? [] };
  if (plan === undefined) return;
  await store.locate([...plan.old.digests, ...plan.fresh.digests]);

  const left = new Map<number, readonly number[]>(plan.unplaced.map((number) => [number, []]));
  const used = new Set<number>();
  for (const run of plan.runs) {
    const delta = await makeRun(plan, run, store);
    if (delta === undefined) {
      for (const number of run.fresh) left.set(number, run.base);
      continue;
    }
    // All of the base, although not all of it helped: looking at the rest as well would spare 0.5 % of app's bytes.
    for (const number of run.base) used.add(number);
    yield { kind: 'made', chunks: digestsOf(plan, run.fresh), delta };
  }
  if (left.size === 0) return;
  const leftover: number[] = [];
  // What an old chunk has become where it stood is not looked for elsewhere.
  const moved = plan.gone.filter((number) => !used.has(number));
  yield* makeByLikeness(plan, left, moved, store, leftover);
  yield* makeOfLeftovers(plan, leftover.sort((a, b) => a - b), store);
}

/** `left`: numbers of new chunks, and of the old ones against which they have been tried. Adds to `leftover` those that stay without a delta. */
async function* makeByLikeness(plan: DeltaPlan, left: ReadonlyMap<number, readonly number[]>, moved: readonly number[], store: LocatedChunks, leftover: number[]): AsyncGenerator<DeltaStep, void, undefined> {
  const index = new SketchIndex();
  for (const number of moved) {
    const bytes = await store.read(plan.old.digests[number] as Digest);
    if (bytes !== undefined) index.add(number, sketch(bytes));
  }
  const sequence = new OldSequence(plan.old.lengths.map((_, number) => number), plan.old.lengths);
  const parts: OldPart[][] = plan.fresh.digests.map(() => []);
  for (const [number, tried] of left) {
    const bytes = await store.read(plan.fresh.digests[number] as Digest);
    const hit = bytes === undefined ? undefined : index.mostAlike(sketch(bytes));
    if (hit === undefined || tried.includes(hit)) leftover.push(number);
    else parts[number]?.push(sequence.around(hit, DELTA_LIKE_MARGIN_BYTES));
  }
  for (const run of placeRuns(plan.fresh.lengths, parts, plan.old.lengths, DELTA_BASE_BYTES_TARGET)) {
    const delta = await makeRun(plan, run, store);
    if (delta === undefined) leftover.push(...run.fresh);
    else yield { kind: 'made', chunks: digestsOf(plan, run.fresh), delta };
  }
}

/** `numbers`: of new chunks, ascending. */
async function* makeOfLeftovers(plan: DeltaPlan, numbers: readonly number[], store: LocatedChunks): AsyncGenerator<DeltaStep, void, undefined> {
  const locations = new Map(numbers.map((number) => [number, store.locationOf(plan.fresh.digests[number] as Digest)]));
  const costs = new LeftoverCosts([...locations.values()].filter((location) => location !== undefined));
  const [anew, asStored]: [number[], number[]] = [[], []];
  for (const [number, location] of locations) (location !== undefined && costs.isWorthIt(location) ? anew : asStored).push(number);
  if (asStored.length > 0) yield { kind: 'made', chunks: digestsOf(plan, asStored), delta: undefined };
  const costOf = (digest: Digest): number => {
    const location = store.locationOf(digest);
    return location === undefined ? 0 : costs.costOf(location);
  };
  // Without a base, the longer the denser.
  for (const fresh of runsOf(anew, plan.fresh.lengths, DELTA_RAW_BYTES_MAX)) {
    yield { kind: 'made', chunks: digestsOf(plan, fresh), delta: await makeRun(plan, { fresh, base: [] }, store, costOf) };
  }
}

/** undefined if it does not save enough of what the chunks cost otherwise, or the store lacks something. */
async function makeRun({ old, fresh }: DeltaPlan, run: DeltaRun, store: LocatedChunks, costOf = (digest: Digest): number => store.storedBytes(digest)): Promise<Uint8Array | undefined> {
  const base = await readAll(old, run.base, store, baseScratch);
  const chunks = await readAll(fresh, run.fresh, store, freshScratch);
  if (base === undefined || chunks === undefined) return undefined;
  const fullBytes = Math.round(chunks.reduce((sum, { digest }) => sum + costOf(digest), 0));
  return encodeDelta(chunks, base, fullBytes);
}

const baseScratch = new Scratch();
const freshScratch = new Scratch();

/** Valid until the next call with the same scratch. undefined if the store lacks one of them. */
async function readAll(column: ChunkColumn, numbers: readonly number[], store: LocatedChunks, scratch: Scratch): Promise<Chunk[] | undefined> {
  const lengths = numbers.map((number) => column.lengths[number] as number);
  const room = scratch.room(lengths.reduce((sum, length) => sum + length, 0));
  const chunks: Chunk[] = [];
  let at = 0;
  for (const [index, number] of numbers.entries()) {
    const digest = column.digests[number] as Digest;
    const read = await store.read(digest);
    if (read === undefined || read.byteLength !== lengths[index]) return undefined;
    const bytes = room.subarray(at, at + read.byteLength);
    bytes.set(read);
    chunks.push({ digest, bytes });
    at += read.byteLength;
  }
  return chunks;
}

function digestsOf({ fresh }: DeltaPlan, numbers: readonly number[]): Digest[] {
  return numbers.map((number) => fresh.digests[number] as Digest);
}
