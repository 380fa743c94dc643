/** The directory in which an endpoint keeps a layer. */
import { BranchcastError } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import type { Manifest } from '../manifest/read.ts';
import { InodeWorkers } from './inode-workers.ts';
import { lstatIfThere } from './key-path.ts';
import { OrderedLooks } from './ordered-looks.ts';
import { Pace } from './pace.ts';
import { prepareStage } from './prepare-stage.ts';
import type { Staging } from './staging.ts';
import { StatCache } from './stat-cache.ts';
import { layoutOf, type TargetLayout } from './target-layout.ts';
import { lockTarget, type TargetLock } from './target-lock.ts';
import { checkOwned, isOwned, makeStateDir, realTarget } from './target-ownership.ts';
import { readOwner, recoverSwitch, writeOwner, type OwnerRecord } from './tree-switch.ts';

export type { Staging } from './staging.ts';

/** What a target holds: the layer as `name@version`, its root, its descriptor. */
export interface TargetLayer {
  readonly layer: string;
  readonly root: Digest;
  readonly descriptor: Digest;
}

export interface TargetOptions {
  /** Take over a directory that holds files which branchcast did not put there. They are replaced at the next switch. */
  readonly adopt?: boolean;
  /** False: no spare is kept after an update, which the next one takes longer for. See spare.ts. */
  readonly spare?: boolean;
  /** Files that are looked at, made and linked before threads are started for it; INODES_DONE_HERE unless told. */
  readonly inodesDoneHere?: number;
}

/**
 * Locks the directory at `dir`, which need not be there yet, and ends a switch that a killed process left. Throws
 * BC_TARGET_BUSY; BC_TARGET_NOT_OWNED for a directory with files of others in it, unless `adopt`; BC_PLATFORM for a mount point,
 * which cannot be switched.
 */
export async function openTarget(dir: string, options: TargetOptions = {}): Promise<Target> {
  const layout = layoutOf(realTarget(dir));
  const adopt = options.adopt ?? false;
  // Before anything is made beside a directory that is none of ours.
  if (lstatIfThere(layout.stateDir) === undefined) checkOwned(layout, undefined, adopt);
  makeStateDir(layout);
  const lock = lockTarget(layout.lock, layout.target);
  const workers = new InodeWorkers(options.inodesDoneHere);
  try {
    await recoverSwitch(layout, workers);
    const owner = readOwner(layout);
    checkOwned(layout, owner, adopt);
    return new Target(layout, { lock, workers, owner: isOwned(layout, owner) ? owner : undefined, keepsSpare: options.spare ?? true });
  } catch (error) {
    await workers.close();
    lock.release();
    throw error;
  }
}

export class Target {
  readonly #layout: TargetLayout;
  readonly #workers: InodeWorkers;
  readonly #keepsSpare: boolean;
  #lock: TargetLock | undefined;
  #owner: OwnerRecord | undefined;
  #staging: Staging | undefined;
  /** What is left to do of the last switch. It rejects for all who wait for it. */
  #cleanUp: Promise<void> = Promise.resolve();

  /** For openTarget(). */
  constructor(layout: TargetLayout, { lock, workers, owner, keepsSpare }: { readonly lock: TargetLock; readonly workers: InodeWorkers; readonly owner: OwnerRecord | undefined; readonly keepsSpare: boolean }) {
    this.#layout = layout;
    this.#workers = workers;
    this.#keepsSpare = keepsSpare;
    this.#lock = lock;
    this.#owner = owner;
  }

  /** The directory itself, no link. */
  get path(): string {
    return this.#layout.target;
  }

  /** A directory beside the target, on the same disk, for what belongs to it. */
  get stateDir(): string {
    return this.#layout.stateDir;
  }

  /** undefined if no layer was applied, or the directory is not the one that it was applied to. */
  current(): TargetLayer | undefined {
    return this.#owner;
  }

  /**
   * Prepares to bring the target to `after`; undefined if it is that already, by a look at every entry's inode. `before` is the
   * manifest of current(), if there is one: files that stay are linked, its chunks are the local seed. Goes on where a killed
   * process stopped. Files that were changed behind branchcast's back are found and written anew. Waits for cleanedUp().
   *
   * Throws BC_DISK_FULL with `details.shortfallBytes` if the new files do not fit (the stage is kept), BC_PLATFORM for entries that
   * this machine cannot make, and what the manifests' readers throw; then nothing of the target has been touched.
   */
  async stage(after: Manifest, before: Manifest | undefined, options: { readonly signal?: AbortSignal } = {}): Promise<Staging | undefined> {
    const pace = new Pace(options.signal);
    this.#staging?.close();
    this.#staging = undefined;
    await this.#cleanUp;
    if (this.#owner?.root === after.root && (await this.#isClean(after, pace))) return undefined;
    const onSwitched = (owner: OwnerRecord, cleanUp: () => Promise<void>): void => {
      this.#owner = owner;
      this.#cleanUp = cleanUp();
      // Whoever waits for it hears of it.
      this.#cleanUp.catch(() => undefined);
    };
    this.#staging = await prepareStage({ layout: this.#layout, after, before, workers: this.#workers, keepsSpare: this.#keepsSpare, onSwitched }, pace);
    return this.#staging;
  }

  /**
   * Resolves when nothing is left to do of the last switch: what the tree that was there before does not share with the new one is removed, the rest has become the
   * spare, and it is noted what both look like, for which the manifests are read. That has begun with the switch, and nothing breaks it off. Rejects if it failed: the layer is in force all the same, and the
   * next open goes on with it; until then the target stages nothing.
   */
  async cleanedUp(): Promise<void> {
    await this.#cleanUp;
  }

  /** Notes, durably, under which name the tree that is there goes now. Only for a target that stage() found to be that tree already. */
  relabel({ layer, descriptor }: Pick<TargetLayer, 'layer' | 'descriptor'>): void {
    const owner = this.#owner;
    if (owner === undefined) throw new BranchcastError('BC_INTERNAL', `${this.path} holds no layer that could be called ${layer}`);
    if (owner.layer === layer && owner.descriptor === descriptor) return;
    this.#owner = { ...owner, layer, descriptor };
    writeOwner(this.#layout, this.#owner);
  }

  /** Lets go of the directory when cleanedUp() has come to its end, and rejects as that. May be called twice. */
  async close(): Promise<void> {
    this.#staging?.close();
    this.#staging = undefined;
    try {
      await this.#cleanUp;
    } finally {
      await this.#workers.close();
      this.#lock?.release();
      this.#lock = undefined;
    }
  }

  async #isClean(manifest: Manifest, pace: Pace): Promise<boolean> {
    const cache = StatCache.load(this.#layout.statCache, manifest.root);
    const looks = new OrderedLooks(Buffer.from(this.#layout.target));
    try {
      let number = -1;
      for await (const { leaf, from, to } of manifest.leaves()) {
        for (let at = from; at < to; at += 1) {
          if (pace.due) await pace.turn();
          number += 1;
          const stat = looks.at(leaf.keys.at(at));
          // A directory's own change time moves with every name that comes or goes in it.
          if (stat === undefined || !cache.matches(number, stat)) return false;
        }
      }
      return true;
    } finally {
      looks.close();
    }
  }
}
