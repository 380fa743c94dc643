/** From two manifests to a stage that waits for chunks. */
import { rmSync } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { Manifest } from '../manifest/read.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lstatIfThere } from './key-path.ts';
import { OldTree } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { pruneTree } from './prune-tree.ts';
import { ProgressLog, readProgress, type LoggedProgress } from './progress-log.ts';
import { removeTree } from './remove-tree.ts';
import { checkRoom, isOutOfRoom, outOfRoom, roomAt } from './room.ts';
import { StageBuilder, type StagePlan } from './stage-builder.ts';
import { dropSpare, spareRules, takeSpare } from './spare.ts';
import { surveyStage, type Survey } from './stage-survey.ts';
import { Staging, type StagingInputs } from './staging.ts';
import { StatCache } from './stat-cache.ts';
import { stageLayout, stagesIn, type StageLayout, type TargetLayout } from './target-layout.ts';

export interface PrepareInputs {
  readonly layout: TargetLayout;
  readonly after: Manifest;
  /** What the target holds, by the records; undefined if nothing is known of it. */
  readonly before: Manifest | undefined;
  readonly workers: InodeWorkers;
  readonly keepsSpare: boolean;
  readonly onSwitched: StagingInputs['onSwitched'];
}

const NOTHING_STANDS = new Uint8Array();

export async function prepareStage(inputs: PrepareInputs, pace: Pace): Promise<Staging> {
  const { layout, after, workers, keepsSpare, onSwitched } = inputs;
  const present = stagesIn(layout.stateDir);
  const stage = stageLayout(layout.stateDir, (present[0]?.number ?? 0) + 1, after.root);
  const { survey, known } = await surveyTarget(inputs, Math.max(Buffer.byteLength(stage.tree), Buffer.byteLength(layout.target)), pace);
  const old = known === undefined ? undefined : new OldTree(Buffer.from(layout.target), known, StatCache.load(layout.statCache, known.root));
  const { earlier, logged } = unfinished(present, after.root);
  // Where a process left a stage, that was the spare.
  const spare = present.length === 0 && known !== undefined ? takeSpare(layout, known.root, stage) : undefined;
  try {
    if (spare === undefined) await dropSpare(layout, workers);
    const standing = spare === undefined || old === undefined ? NOTHING_STANDS : await pruneTree(Buffer.from(stage.tree), old.manifest, spareRules(survey, old, spare), workers, pace);
    const builder = new StageBuilder({
      after,
      old,
      survey,
      stage: Buffer.from(stage.tree),
      standing,
      earlier: earlier.map(({ tree }) => Buffer.from(tree)),
      blockBytes: roomAt(layout.stateDir).blockBytes,
      workers,
    });
    const plan = await builder.build(pace);
    for (const digest of logged === undefined ? [] : stagedChunks(logged, plan, old !== undefined)) plan.table.markDone(digest);
    const log = new ProgressLog(
      stage.log,
      after.root,
      [...plan.table.chunks(true)].map(({ digest }) => digest),
    );
    for (const outdated of present) await removeStage(outdated, workers);
    // Their links to the old tree's files are gone now, and its inodes have changed by that.
    if (present.length > 0) await old?.settle(pace);
    old?.save(layout.statCache);
    const staging = new Staging({ layout, stage, after, old, plan, isResumed: earlier.length > 0, log, workers, keepsSpare, onSwitched });
    try {
      checkRoom(layout.stateDir, plan.roomBytes);
    } catch (error) {
      staging.close();
      throw error;
    }
    return staging;
  } catch (error) {
    throw isOutOfRoom(error) ? outOfRoom(layout.stateDir, 0, error) : error;
  }
}

/**
 * With the manifest that describes the tree in the target, if one is there: that of before; if it cannot be read to its end, the new one. Whatever of that
 * is there already need not be fetched.
 */
async function surveyTarget({ layout, after, before }: PrepareInputs, longestPrefixBytes: number, pace: Pace): Promise<{ readonly survey: Survey; readonly known: Manifest | undefined }> {
  const look = async (known: Manifest | undefined): Promise<{ survey: Survey; known: Manifest | undefined }> => ({ survey: await surveyStage(after, known, longestPrefixBytes, pace), known });
  if (lstatIfThere(layout.target) === undefined) return look(undefined);
  if (before === undefined) return look(after);
  try {
    return await look(before);
  } catch (error) {
    if (!(error instanceof BranchcastError) || error.code === 'BC_CANCELLED') throw error;
    // If it was the new one's fault, that is said now.
    return look(after);
  }
}

interface Unfinished {
  /** Stages of the root, the newest first. */
  readonly earlier: readonly StageLayout[];
  readonly logged: LoggedProgress | undefined;
}

/** The newest stage of this root that has a log, and newer ones, into which a process was moving its files when it died. */
function unfinished(present: readonly StageLayout[], root: Digest): Unfinished {
  const earlier: StageLayout[] = [];
  for (const stage of present) {
    if (stage.root !== root) continue;
    earlier.push(stage);
    const logged = readProgress(stage.log);
    if (logged !== undefined) return { earlier, logged };
  }
  return { earlier: [], logged: undefined };
}

/** Of the logged chunks, those that really stand in all the places that the new stage has for them. */
function* stagedChunks(logged: LoggedProgress, plan: StagePlan, hasOld: boolean): Generator<Digest, void, undefined> {
  for (const digest of new Set(logged.digests)) {
    if (plan.table.missing(digest) === undefined) continue;
    const files = [...plan.table.places(digest)].map(({ file }) => file);
    if (!files.every((file) => plan.takenOver.has(file))) continue;
    // One that has but this place was written to it. Another file may have been the old tree's, which somebody could write to.
    const isOwn = files.length === 1 || (hasOld && !files.some((file) => plan.doubtful.has(file)));
    if ((logged.sameBoot && isOwn) || isStaged(digest, plan)) yield digest;
  }
}

/** After another boot, what was logged may not have reached the disk. Reads the chunk back from its places. */
function isStaged(digest: Digest, { table, files }: StagePlan): boolean {
  const chunk = new Uint8Array(table.missing(digest) ?? 0);
  const runs: { readonly from: number; readonly bytes: Uint8Array }[] = [];
  for (const place of table.places(digest)) {
    const bytes = files.read(place);
    if (bytes.byteLength < place.lengthBytes) return false;
    chunk.set(bytes, place.chunkOffsetBytes);
    runs.push({ from: place.chunkOffsetBytes, bytes });
  }
  // A chunk of which only a part is needed here cannot be verified, and does not hash to its name.
  if (hash(chunk) !== digest) return false;
  return runs.every(({ from, bytes }) => Buffer.compare(chunk.subarray(from, from + bytes.byteLength), bytes) === 0);
}

async function removeStage({ tree, log, fixes }: StageLayout, workers: InodeWorkers): Promise<void> {
  // The log first: without it, nothing of the tree is believed any more.
  for (const file of [log, fixes]) rmSync(file, { force: true });
  await removeTree(Buffer.from(tree), workers);
}
