/** After a switch: the tree that was in the target becomes the spare of the one that is, by further names of its files. */
import { existsSync, renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ahead } from '../base/ahead.ts';
import { CHANGE_TIME_GRAIN_MS, INODE_JOBS_AHEAD } from '../base/limits/trees.ts';
import type { DirectoryEntry, Entry, FileEntry, HardlinkEntry } from '../manifest/entry.ts';
import { isWithin } from '../manifest/key.ts';
import type { Leaf } from '../manifest/leaf.ts';
import type { Manifest } from '../manifest/read.ts';
import type { AppliedCheck } from './applied-check.ts';
import { hasMtime, isOfEntry, setMetadata } from './inode-metadata.ts';
import type { Looked } from './inode-rows.ts';
import type { InodeWorkers, KnownFile } from './inode-workers.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';
import { LinkedFiles } from './linked-files.ts';
import { linkUnchanged } from './link-unchanged.ts';
import type { OldTree } from './old-tree.ts';
import { OrderedLooks } from './ordered-looks.ts';
import { Pace } from './pace.ts';
import { posixSupport } from './posix.ts';
import { pruneOutgoing } from './prune-outgoing.ts';
import { removeTree } from './remove-tree.ts';
import type { StagePlan } from './stage-builder.ts';
import { StageDirectories } from './stage-directories.ts';
import { NO_ENTRY } from './stage-survey.ts';
import { Standing } from './standing.ts';
import { StatCache } from './stat-cache.ts';
import { stepsOf } from './steps.ts';
import type { StageLayout, TargetLayout } from './target-layout.ts';

export interface FollowInputs {
  readonly layout: TargetLayout;
  /** Where the old tree stands now, if there was one, and the spare is made. */
  readonly stage: StageLayout;
  readonly old: OldTree | undefined;
  readonly after: Manifest;
  readonly plan: Pick<StagePlan, 'origins' | 'standing' | 'survey'>;
  readonly check: AppliedCheck;
  readonly workers: InodeWorkers;
}

export interface Followed {
  /** What the target's inodes look like, as far as they are what was applied. */
  readonly target: StatCache;
  /** What those of the spare look like. */
  readonly spare: StatCache;
}

const NOTHING_STANDS = new Uint8Array();

/** What the file system refuses is no failure of an update that is in force. */
async function withoutSystemErrors<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}

/** Nobody's other inode, to which a directory may lead that somebody has exchanged. */
function isItself(stat: Looked, entry: Exclude<Entry, HardlinkEntry>): boolean {
  return isOfEntry(stat, entry) && (hasMtime(stat, entry) || !posixSupport().nanosecondTimes);
}

/** An entry of which it is not known what it looks like. */
interface Step {
  readonly entry: Entry;
  readonly number: number;
  /** Of the same name in the old manifest, and what stands of it. */
  readonly same: number;
  readonly stands: number;
}

/** By the place of a step in its batch; undefined where there is no look, or no link. */
interface Names {
  readonly looks: readonly (Looked | undefined)[];
  readonly links: readonly (Looked | undefined)[];
  /** Links that were tried. */
  readonly wantedCount: number;
}

export class TargetFollower {
  readonly #inputs: FollowInputs;
  readonly #target: Buffer;
  readonly #tree: Buffer;
  #oldStanding: Uint8Array = NOTHING_STANDS;
  readonly #standing: number[] = [];
  readonly #directories: StageDirectories;
  readonly #followed: Followed;
  /** Directories whose metadata is to be set, from the root down. */
  readonly #open: { readonly entry: DirectoryEntry; readonly number: number }[] = [];
  /** By the entry's number: what was given a name in the spare, with its modification time then. */
  readonly #linked = new LinkedFiles();
  /** Numbers of the names of files that have several: each name that is made moves the change time of all. */
  readonly #grouped = new Set<number>();
  /** Inodes of files that have several names. */
  readonly #groupInodes = new Set<bigint>();
  /** Until the batch before has been checked. */
  #checked: Promise<void> = Promise.resolve();
  #linkCount = 0;
  #wantedCount = 0;

  constructor(inputs: FollowInputs) {
    this.#inputs = inputs;
    this.#target = Buffer.from(inputs.layout.target);
    this.#tree = Buffer.from(inputs.stage.tree);
    this.#directories = new StageDirectories(this.#tree, this.#standing);
    this.#followed = { target: new StatCache(inputs.after.root), spare: new StatCache(inputs.after.root) };
  }

  /**
   * Answers what both trees look like; undefined if there can be no spare: files cannot have a second name here, or there is no room for more directories. Then something of
   * it may stand in the stage's place. Names that somebody has exchanged in the target meanwhile are left out: the next update makes them anew. Once.
   */
  async run(): Promise<Followed | undefined> {
    const { layout, stage, old, plan, workers } = this.#inputs;
    // Where two renames made the switch.
    if (existsSync(layout.old) && !existsSync(stage.tree)) renameSync(layout.old, stage.tree);
    if (old !== undefined && lstatIfThere(this.#tree)?.isDirectory() === true) this.#oldStanding = (await withoutSystemErrors(() => pruneOutgoing(this.#tree, old, plan, workers))) ?? NOTHING_STANDS;
    return withoutSystemErrors(async () => {
      if (this.#oldStanding.length === 0) await removeTree(this.#tree, workers);
      return this.#follow();
    });
  }

  /** By the entry's number: the inode that was given a name in the spare, whose change time has moved by that. */
  inodeOf(number: number): bigint | undefined {
    return this.#linked.has(number) ? this.#followed.spare.at(number)?.ino : undefined;
  }

  /** undefined if no file could be linked. */
  async #follow(): Promise<Followed | undefined> {
    const pace = new Pace(undefined);
    for await (const { item: steps, result: names } of ahead(stepsOf(this.#inputs.after, pace, (leaf, at, number) => this.#step(leaf, at, number)), INODE_JOBS_AHEAD, (steps) => this.#link(steps))) {
      for (const [at, step] of steps.entries()) {
        if (pace.due) await pace.turn();
        this.#leaveUntil(step.entry);
        this.#note(step, names.looks[at], names.links[at]);
      }
      this.#wantedCount += names.wantedCount;
      if (this.#linkCount === 0 && this.#wantedCount > 0) return undefined;
    }
    this.#leaveUntil(undefined);
    if (this.#linkCount > 0) await this.#confirm(pace);
    return this.#followed;
  }

  /** undefined if nothing is to be done for it: it stands in both trees as it is known to be. */
  #step(leaf: Leaf, at: number, number: number): Step | undefined {
    const { old, plan } = this.#inputs;
    const { same: sameNames, namesakes, hardlinks } = plan.survey;
    const [key, type] = [leaf.keys.at(at), leaf.typeAt(at)];
    const same = Math.max(sameNames[number] ?? NO_ENTRY, namesakes[number] ?? NO_ENTRY);
    const stands = this.#oldStanding[same] ?? Standing.gone;
    this.#directories.take(key, type, number, stands);
    if (type === 'hardlink' || (type === 'file' && hardlinks.namesOf(key).length > 0)) this.#grouped.add(number);
    const stood = plan.standing[number];
    // One with several names is looked at with all of them.
    const isKnown = stood !== Standing.altered && !this.#grouped.has(number);
    if (type === 'directory' || stands !== Standing.intact || !isKnown) return { entry: leaf.entryAt(at), number, same, stands };
    this.#noteBoth(number, old?.linkedRow(same));
    return undefined;
  }

  async #link(steps: readonly Step[]): Promise<Names> {
    const { workers } = this.#inputs;
    const seen = workers.look(this.#target, steps.map(({ entry }) => entry.key));
    const [before, checked] = [this.#checked, Promise.withResolvers<void>()];
    this.#checked = checked.promise;
    const looks: (Looked | undefined)[] = [];
    try {
      // In key order, whichever look is there first.
      const [found] = await Promise.all([seen, before]);
      for (const [at, { entry, number }] of steps.entries()) looks.push(this.#inputs.check.isRight(number, entry, found.at(at)) ? found.at(at) : undefined);
    } finally {
      checked.resolve();
    }
    const links: (Looked | undefined)[] = steps.map(() => undefined);
    const [wanted, places]: [KnownFile[], number[]] = [[], []];
    for (const [at, { entry, stands }] of steps.entries()) {
      const stat = looks[at];
      if (stat === undefined || entry.type !== 'file' || stands === Standing.intact || !isItself(stat, entry)) continue;
      wanted.push({ key: entry.key, newKey: entry.key, sizeBytes: entry.sizeBytes, ino: stat.ino, ctimeNs: stat.ctimeNs });
      places.push(at);
    }
    const linked = await workers.link(this.#target, this.#tree, wanted);
    for (const [index, at] of places.entries()) {
      const stat = linked.at(index);
      links[at] = stat;
      // At once: if this comes to nothing, its change time has moved all the same.
      if (stat !== undefined) this.#noteLinked((steps[at] as Step).number, stat);
    }
    return { looks, links, wantedCount: places.length };
  }

  #note({ entry, number, same, stands }: Step, look: Looked | undefined, link: Looked | undefined): void {
    const { old } = this.#inputs;
    const { target, spare } = this.#followed;
    if (entry.type === 'directory') {
      target.set(number, look);
      if (this.#standing[number] === Standing.intact) spare.set(number, old?.notedAt(same));
      else this.#open.push({ entry, number });
      return;
    }
    if (stands === Standing.intact) {
      this.#noteBoth(number, look);
      if (look !== undefined && this.#grouped.has(number)) this.#noteLinked(number, look);
      return;
    }
    const linked = entry.type === 'file' ? link : look === undefined ? undefined : this.#linkOther(entry, look);
    target.set(number, linked ?? look);
    if (linked === undefined) return;
    this.#linkCount += 1;
    this.#noteLinked(number, linked);
  }

  #noteLinked(number: number, stat: Looked): void {
    this.#followed.spare.set(number, stat);
    this.#linked.add(number, stat.mtimeNs);
    if (this.#grouped.has(number)) this.#groupInodes.add(stat.ino);
  }

  #noteBoth(number: number, stat: Pick<Looked, 'ino' | 'ctimeNs'> | undefined): void {
    this.#followed.target.set(number, stat);
    this.#followed.spare.set(number, stat);
  }

  /** A link, a fifo, a device, a further name: they are few. */
  #linkOther(entry: Exclude<Entry, FileEntry>, look: Looked): Looked | undefined {
    if (entry.type === 'hardlink' ? !this.#groupInodes.has(look.ino) : !isItself(look, entry)) return undefined;
    return linkUnchanged(pathBelow(this.#target, entry.key), look, pathBelow(this.#tree, entry.key));
  }

  /** Believes what has been linked only if nobody has written to it within the same tick of the kernel's clock: a change time would not tell. */
  async #confirm(pace: Pace): Promise<void> {
    await sleep(CHANGE_TIME_GRAIN_MS);
    const { spare } = this.#followed;
    const looks = new OrderedLooks(this.#tree);
    try {
      let number = -1;
      for await (const { leaf, from, to } of this.#inputs.after.leaves()) {
        for (let at = from; at < to; at += 1) {
          number += 1;
          const mtimeNs = this.#linked.mtimeNs(number);
          if (mtimeNs === undefined) continue;
          if (pace.due) await pace.turn();
          const stat = looks.at(leaf.keys.at(at));
          const isSame = stat?.mtimeNs === mtimeNs && (this.#grouped.has(number) ? spare.hasInode(number, stat.ino) : spare.matches(number, stat));
          this.#noteBoth(number, isSame ? stat : undefined);
        }
      }
    } finally {
      looks.close();
    }
  }

  #leaveUntil(entry: Entry | undefined): void {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      if (entry !== undefined && isWithin(entry.key, last.entry.key)) return;
      this.#open.pop();
      const path = pathBelow(this.#tree, last.entry.key);
      // The root is moved later, which only who may write to it may do.
      setMetadata(path, last.entry.key.length === 0 ? { ...last.entry, mode: last.entry.mode | 0o700 } : last.entry);
      this.#followed.spare.set(last.number, lstatIfThere(path));
    }
  }
}
