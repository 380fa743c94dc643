/** A tree being assembled beside its target: what it still wants, writing it, and switching it in. */
import { closeSync, openSync } from 'node:fs';
import { BranchcastError, throwIfAborted } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { Manifest } from '../manifest/read.ts';
import type { OldContent } from '../transfer/chunk-source.ts';
import { AppliedCheck } from './applied-check.ts';
import { finishStage } from './finish-stage.ts';
import { TargetFollower } from './follow-target.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { OldChunks } from './old-chunks.ts';
import type { OldTree } from './old-tree.ts';
import { Pace } from './pace.ts';
import { syncFilesystem } from './posix.ts';
import type { FilePlace } from './place-table.ts';
import type { ProgressLog } from './progress-log.ts';
import { recordTree } from './record-tree.ts';
import { isOutOfRoom, outOfRoom } from './room.ts';
import { seedFrom, type SeedInto, type SeedOptions } from './seed.ts';
import { seedFromNamesakes } from './seed-from-namesakes.ts';
import { SmallFiles, type WholeFile } from './small-files.ts';
import { putSpare } from './spare.ts';
import { ORIGIN_OTHER, type StagePlan } from './stage-builder.ts';
import { NO_ENTRY } from './stage-survey.ts';
import { Standing } from './standing.ts';
import { syncTree } from './sync-tree.ts';
import type { StageLayout, TargetLayout } from './target-layout.ts';
import { switchTree, type OwnerRecord, type Switched } from './tree-switch.ts';

export interface WantedChunk {
  readonly digest: Digest;
  readonly chunkBytes: number;
}

export interface VerifiedChunk {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface StagingInputs {
  readonly layout: TargetLayout;
  readonly stage: StageLayout;
  readonly after: Manifest;
  readonly old: OldTree | undefined;
  readonly plan: StagePlan;
  /** An earlier process began this tree. */
  readonly isResumed: boolean;
  readonly log: ProgressLog;
  readonly workers: InodeWorkers;
  readonly keepsSpare: boolean;
  /** The new tree is in force, and `cleanUp` is left to be done: it removes the old tree, and notes what the new one looks like. */
  readonly onSwitched: (owner: OwnerRecord, cleanUp: () => Promise<void>) => void;
}

export class Staging {
  readonly #inputs: StagingInputs;
  readonly #smallFiles: SmallFiles;

  constructor(inputs: StagingInputs) {
    this.#inputs = inputs;
    this.#smallFiles = new SmallFiles(inputs.plan, inputs.workers);
  }

  /** Bytes of the chunks that the new files are made of, each once: those that an earlier process wrote among them. */
  get neededBytes(): number {
    return this.#inputs.plan.table.neededBytes;
  }

  /** Of these, what is not written yet. */
  missingBytes(): number {
    return this.#inputs.plan.table.missingBytes;
  }

  /** Chunks that are not written yet, in the layer's canonical order. */
  wanted(): readonly WantedChunk[] {
    return [...this.#inputs.plan.table.chunks(false)];
  }

  /** Writes the wanted chunks that the target's present tree holds, each verified. Answers how many bytes that were. */
  async seed(options: SeedOptions = {}): Promise<number> {
    const { old, after, plan, isResumed } = this.#inputs;
    if (old === undefined) return 0;
    const { table } = plan;
    const into: SeedInto = {
      missing: (digest) => table.missing(digest),
      get missingBytes() {
        return table.missingBytes;
      },
      writeAll: (chunks) => this.writeAll(chunks),
    };
    // Otherwise the manifests say what is to be had, and who planned the update has reckoned with that.
    const named = isResumed || old.manifest.root === after.root ? await seedFromNamesakes(old, plan, into, options) : 0;
    return named + (await seedFrom(old, into, options));
  }

  /** The version that stands in the target, for deltas; undefined if none is known. It is read until the switch. */
  oldContent(options: { readonly signal?: AbortSignal } = {}): OldContent | undefined {
    const { old, after } = this.#inputs;
    if (old === undefined || old.manifest.root === after.root) return undefined;
    const chunks = new OldChunks(old, options.signal);
    return { to: after.root, from: [old.manifest.root], read: (digest) => chunks.read(digest) };
  }

  /**
   * Writes chunks, whose bytes the caller has verified and leaves as they are meanwhile, to every place that needs them; small files on threads, and one that
   * turns out to be as the old tree has it is linked instead. A chunk that is not wanted (any more) is ignored. To be called when the last call has ended.
   * Rejects with BC_DISK_FULL with `details.shortfallBytes`; the stage stays usable, and the chunks wanted.
   */
  async writeAll(chunks: readonly VerifiedChunk[]): Promise<void> {
    const { table, files, lateLinks } = this.#inputs.plan;
    const wanted = chunks.filter(({ digest, bytes }) => this.#isWanted(digest, bytes));
    const small: WholeFile[] = [];
    for (const { digest, bytes } of wanted) {
      for (const { file, chunkOffsetBytes, lengthBytes } of table.places(digest)) {
        if (table.isSmall(file) && !files.isCreated(file) && !lateLinks.isLinked(file)) small.push({ file, bytes: bytes.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes) });
      }
    }
    const isMade = new Set(small.map(({ file }) => file));
    try {
      const making = this.#smallFiles.make(small);
      try {
        await this.#writeLarge(wanted, ({ file }) => !isMade.has(file));
      } finally {
        await making;
      }
      await this.#writeLarge(wanted, ({ file }) => isMade.has(file) && !files.isCreated(file));
      this.#log(wanted);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** One chunk, at once. */
  write(digest: Digest, bytes: Uint8Array): void {
    if (!this.#isWanted(digest, bytes)) return;
    const chunks = [{ digest, bytes }];
    try {
      this.#give(chunks, () => true);
      this.#inputs.plan.files.flush();
      this.#log(chunks);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Finishes the tree, flushes it, and switches it in. Every chunk must have been written. Resolves when the new tree is in force, also after a power cut;
   * the old one is then still to be removed, with which its Target goes on: see cleanedUp() there. Until the switch itself begins, the
   * signal breaks it off and it may be called again; after that it goes to its end. After it the staging is of no further use.
   */
  async switch(layer: { readonly layer: string; readonly descriptor: Digest }, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { layout, stage, after, old, plan, log, workers } = this.#inputs;
    const pace = new Pace(options.signal);
    throwIfAborted(options.signal);
    if (this.missingBytes() > 0) throw new BranchcastError('BC_INTERNAL', `a stage that lacks ${this.missingBytes()} bytes was to be switched in`);
    plan.files.close();
    try {
      const flushed = beginFlush(plan.stage);
      try {
        await finishStage({ after, old, stage: plan.stage, origins: plan.origins, standing: plan.standing, survey: plan.survey, directoryInodes: plan.directoryInodes, fixesPath: stage.fixes }, pace);
      } finally {
        await flushed;
      }
      await flush(plan.stage, pace);
      throwIfAborted(options.signal);
      log.close();
      const switched = await switchTree(layout, stage, { ...layer, root: after.root }, workers);
      this.#inputs.onSwitched(switched.owner, () => this.#cleanUp(switched));
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Lets go of open files. What has been written stays for the next process. */
  close(): void {
    this.#inputs.plan.files.close();
    this.#inputs.log.close();
  }

  #isWanted(digest: Digest, bytes: Uint8Array): boolean {
    const chunkBytes = this.#inputs.plan.table.missing(digest);
    if (chunkBytes === undefined || chunkBytes === bytes.byteLength) return chunkBytes !== undefined;
    throw new BranchcastError('BC_MANIFEST_MALFORMED', `chunk ${digest} has ${bytes.byteLength} bytes, and ${chunkBytes} by the manifest ${this.#inputs.after.root}`);
  }

  async #cleanUp(switched: Switched): Promise<void> {
    const { layout, stage, after, old, plan, workers, keepsSpare } = this.#inputs;
    try {
      const inputs = { inForceNs: switched.inForceNs, inodeOf: (number: number) => this.#inodeOf(number), hardlinks: plan.survey.hardlinks };
      const follower = new TargetFollower({ layout, stage, old, after, plan, check: new AppliedCheck(inputs), workers });
      const followed = keepsSpare ? await follower.run() : undefined;
      if (followed !== undefined) {
        followed.target.save(layout.statCache);
        await putSpare(layout, stage.tree, followed.spare, workers);
      }
      await switched.removeOutgoing();
      if (followed !== undefined) return;
      const check = new AppliedCheck({ ...inputs, inodeOf: (number) => follower.inodeOf(number) ?? inputs.inodeOf(number) });
      await recordTree({ layout, manifest: after, check, workers });
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** By the entry's number: the inode that it is known to be. */
  #inodeOf(number: number): bigint | undefined {
    const { old, plan } = this.#inputs;
    const { origins, standing, survey, directoryInodes } = plan;
    const origin = origins[number] ?? ORIGIN_OTHER;
    const shared = origin >= 0 || standing[number] !== Standing.intact ? origin : (survey.same[number] ?? NO_ENTRY);
    return directoryInodes.get(number) ?? (shared >= 0 ? old?.linkedRow(shared)?.ino : undefined);
  }

  /** Gives the staged files what is for the places that are meant. */
  #give(chunks: readonly VerifiedChunk[], isMeant: (place: FilePlace) => boolean): void {
    const { table, files, lateLinks } = this.#inputs.plan;
    for (const { digest, bytes } of chunks) {
      for (const place of table.places(digest)) if (isMeant(place) && !lateLinks.link(place, bytes)) files.write(place, bytes);
    }
  }

  async #writeLarge(chunks: readonly VerifiedChunk[], isMeant: (place: FilePlace) => boolean): Promise<void> {
    this.#give(chunks, isMeant);
    await this.#inputs.plan.files.flushLarge();
  }

  /** They stand in all their places. */
  #log(chunks: readonly VerifiedChunk[]): void {
    const { table, lateLinks } = this.#inputs.plan;
    const isOwn = ({ file }: FilePlace): boolean => !lateLinks.isLinked(file);
    // The log never says more than what the stage's own files hold: others have the old tree's in their hands.
    this.#inputs.log.append(chunks.map(({ digest }) => digest).filter((digest) => table.places(digest).every(isOwn)));
    for (const { digest } of chunks) table.markDone(digest);
  }

  #explained(error: unknown): unknown {
    return isOutOfRoom(error) ? outOfRoom(this.#inputs.layout.stateDir, this.missingBytes(), error) : error;
  }
}

/** Has the bytes written while times and modes are set: the flush after that has less to wait for. */
function beginFlush(stage: Buffer): Promise<unknown> {
  const fd = openSync(stage, 'r');
  return syncFilesystem(fd).finally(() => closeSync(fd));
}

async function flush(stage: Buffer, pace: Pace): Promise<void> {
  const fd = openSync(stage, 'r');
  try {
    if (!(await syncFilesystem(fd))) await syncTree(stage, pace);
  } finally {
    closeSync(fd);
  }
}
