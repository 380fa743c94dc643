/** From two manifests to a stage that waits for chunks. */
import { rmSync } from 'node:fs';
import type { Digest } from '../chunking/digest.ts';
import { hash } from '../chunking/hash.ts';
import type { Manifest } from '../manifest/read.ts';
import type { OldTree } from './old-tree.ts';
import type { Pace } from './pace.ts';
import { ProgressLog, readProgress, type LoggedProgress } from './progress-log.ts';
import { removeTree } from './remove-tree.ts';
import { checkRoom, isOutOfRoom, outOfRoom, roomAt } from './room.ts';
import { StageBuilder, type StagePlan } from './stage-builder.ts';
import { surveyStage } from './stage-survey.ts';
import { Staging, type StagingInputs } from './staging.ts';
import { stageLayout, stagesIn, type StageLayout, type TargetLayout } from './target-layout.ts';

export interface PrepareInputs {
  readonly layout: TargetLayout;
  readonly after: Manifest;
  readonly old: OldTree | undefined;
  readonly onSwitched: StagingInputs['onSwitched'];
}

export async function prepareStage({ layout, after, old, onSwitched }: PrepareInputs, pace: Pace): Promise<Staging> {
  const present = stagesIn(layout.stateDir);
  const stage = stageLayout(layout.stateDir, (present[0]?.number ?? 0) + 1, after.root);
  const survey = await surveyStage(after, old?.manifest, Math.max(Buffer.byteLength(stage.tree), Buffer.byteLength(layout.target)), pace);
  const { earlier, logged } = unfinished(present, after.root);
  try {
    const builder = new StageBuilder({
      after,
      old,
      survey,
      stage: Buffer.from(stage.tree),
      earlier: earlier.map(({ tree }) => Buffer.from(tree)),
      blockBytes: roomAt(layout.stateDir).blockBytes,
    });
    const plan = await builder.build(pace);
    for (const digest of logged === undefined ? [] : stagedChunks(logged, plan)) plan.table.markDone(digest);
    const log = new ProgressLog(
      stage.log,
      after.root,
      [...plan.table.chunks(true)].map(({ digest }) => digest),
    );
    for (const outdated of present) await removeStage(outdated);
    // Their links to the old tree's files are gone now, and its inodes have changed by that.
    if (present.length > 0) await old?.settle(pace);
    old?.save(layout.statCache);
    const staging = new Staging({ layout, stage, after, old, plan, log, onSwitched });
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
function* stagedChunks(logged: LoggedProgress, plan: StagePlan): Generator<Digest, void, undefined> {
  for (const digest of new Set(logged.digests)) {
    if (plan.table.missing(digest) === undefined) continue;
    const isTakenOver = [...plan.table.places(digest)].every(({ file }) => plan.takenOver.has(file));
    if (isTakenOver && (logged.sameBoot || isStaged(digest, plan))) yield digest;
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

async function removeStage({ tree, log, fixes }: StageLayout): Promise<void> {
  // The log first: without it, nothing of the tree is believed any more.
  for (const file of [log, fixes]) rmSync(file, { force: true });
  await removeTree(Buffer.from(tree));
}
