/**
 * What to make deltas of between two versions: which new chunks together, against which old ones. By path and place: where a file
 * has changed, its new chunks stand between chunks that both versions have, and those say where the old bytes are; a bundle's old bytes
 * are those of the same small files. Walks what differs only. What this finds no old bytes for is left to the sketch (make-deltas.ts).
 */
import { DELTA_BASE_BYTES_TARGET, DELTA_PLAN_CHUNKS_MAX } from '../base/limits/deltas.ts';
import type { Digest } from '../chunking/digest.ts';
import { diffManifests } from '../manifest/diff.ts';
import type { Entry, FileEntry } from '../manifest/entry.ts';
import type { Manifest } from '../manifest/read.ts';
import { ChunkColumn } from './chunk-column.ts';
import { OldSequence, placeRuns, type DeltaRun, type OldPart } from './old-parts.ts';

export interface DeltaPlan {
  /** Chunks of the old version's files that changed or went, each once, in the order of the tree. */
  readonly old: ChunkColumn;
  /** Chunks that the new version has and the old one has not, each once, in the order of the tree. */
  readonly fresh: ChunkColumn;
  /** Of numbers in these columns. */
  readonly runs: readonly DeltaRun[];
  /** Numbers of new chunks that are in no run. */
  readonly unplaced: readonly number[];
  /** Numbers of old chunks that the new version no longer has. */
  readonly gone: readonly number[];
}

/** A file of the new version that differs, and its content in the old one. */
interface ChangedFile {
  /** Numbers in the column of all chunks of changed files of the new version. */
  readonly after: readonly number[];
  /** Every piece is a whole chunk: places in the file mean something. */
  readonly isWhole: boolean;
  readonly before: OldSequence | undefined;
}

/** undefined if the versions differ in more than DELTA_PLAN_CHUNKS_MAX chunks: such an update is no small one. */
export async function planDeltas(before: Manifest, after: Manifest): Promise<DeltaPlan | undefined> {
  const old = new ChunkColumn();
  const now = new ChunkColumn();
  const files: ChangedFile[] = [];
  for await (const change of diffManifests(before, after)) {
    if (!change.contentChanged) continue;
    const was = await piecesOf(before, change.before, old);
    const is = await piecesOf(after, change.after, now);
    if (is !== undefined) files.push({ after: is.numbers, isWhole: is.isWhole, before: was === undefined ? undefined : new OldSequence(was.numbers, was.lengths) });
    if (old.length > DELTA_PLAN_CHUNKS_MAX || now.length > DELTA_PLAN_CHUNKS_MAX) return undefined;
  }
  const fresh = new ChunkColumn();
  const parts: OldPart[][] = [];
  for (const file of files) noteFile(file, { old, now, fresh, parts });
  const runs = placeRuns(fresh.lengths, parts, old.lengths, DELTA_BASE_BYTES_TARGET);
  const unplaced = parts.flatMap((found, number) => (found.length === 0 ? [number] : []));
  const gone: number[] = [];
  for (const [number, digest] of old.digests.entries()) if (now.find(digest) === undefined) gone.push(number);
  return { old, fresh, runs, unplaced, gone };
}

interface Notes {
  readonly old: ChunkColumn;
  readonly now: ChunkColumn;
  readonly fresh: ChunkColumn;
  /** By the number of the new chunk. */
  readonly parts: OldPart[][];
}

/** Notes the new chunks of a file, and where their old bytes may be. */
function noteFile(file: ChangedFile, { old, now, fresh, parts }: Notes): void {
  const places = file.isWhole && file.before !== undefined ? file.before.placesOf(file.after, (number) => oldNumber(old, now, number), now.lengths) : undefined;
  file.after.forEach((number, at) => {
    if (oldNumber(old, now, number) !== undefined) return;
    const freshNumber = fresh.add(now.digests[number] as Digest, now.lengths[number] as number);
    const found = (parts[freshNumber] ??= []);
    const place = places?.[at];
    if (place !== undefined) found.push(place);
    else if (file.before !== undefined) found.push(...file.before.wholly());
  });
}

function oldNumber(old: ChunkColumn, now: ChunkColumn, number: number): number | undefined {
  return old.find(now.digests[number] as Digest);
}

interface Pieces {
  readonly numbers: readonly number[];
  /** How much of each chunk is the file's. */
  readonly lengths: readonly number[];
  readonly isWhole: boolean;
}

/** Adds the chunks of a file to the column; undefined for what has no content. */
async function piecesOf(manifest: Manifest, entry: Entry | undefined, column: ChunkColumn): Promise<Pieces | undefined> {
  if (entry?.type !== 'file' || entry.sizeBytes === 0) return undefined;
  const numbers: number[] = [];
  const lengths: number[] = [];
  let isWhole = true;
  for await (const piece of manifest.pieces(entry satisfies FileEntry)) {
    numbers.push(column.add(piece.digest, piece.chunkBytes));
    lengths.push(piece.lengthBytes);
    if (piece.lengthBytes !== piece.chunkBytes) isWhole = false;
  }
  return { numbers, lengths, isWhole };
}
