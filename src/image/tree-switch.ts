/**
 * The switch from the old tree to the new one. A journal is written first: from then on the way leads forward, and whoever
 * opens the target next goes it to its end. Before the exchange the target shows the whole old tree, after it the whole new one.
 */
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BranchcastError } from '../base/errors.ts';
import { CHANGE_TIME_GRAIN_MS } from '../base/limits/trees.ts';
import type { Digest } from '../chunking/digest.ts';
import type { InodeWorkers } from './inode-workers.ts';
import { lstatIfThere } from './key-path.ts';
import { applyFixes } from './late-fixes.ts';
import { exchangePaths } from './posix.ts';
import { removeTree } from './remove-tree.ts';
import { readIfThere, removeDurably, syncDirectory, writeDurably } from './state-file.ts';
import { stageLayout, type StageLayout, type TargetLayout } from './target-layout.ts';

/** What a target holds. */
export interface OwnerRecord {
  readonly version: 1;
  /** `name@version`. */
  readonly layer: string;
  readonly root: Digest;
  readonly descriptor: Digest;
  /** Inode number of the target directory: another one there is not ours. */
  readonly ino: string;
}

interface Journal {
  readonly version: 1;
  readonly stage: number;
  /** Inode number of the target directory before the switch, if there was one. */
  readonly oldIno: string | undefined;
  /** What the target will hold; `ino` is that of the stage. */
  readonly owner: OwnerRecord;
}

/** A switch that has come into force: the target shows the new tree, also after a power cut, and is known to. */
export interface Switched {
  readonly owner: OwnerRecord;
  /** When it did: what has changed in the tree since has a later change time. */
  readonly inForceNs: bigint;
  /** Removes the tree that was there before. If that fails, or the process does not live to do it, the next open does. */
  removeOutgoing(): Promise<void>;
}

/** Everything of the stage is on the disk. Not to be broken off: what it begins it ends, or the next open does. */
export async function switchTree(layout: TargetLayout, stage: StageLayout, layer: Omit<OwnerRecord, 'version' | 'ino'>, workers: InodeWorkers): Promise<Switched> {
  const owner: OwnerRecord = { version: 1, layer: layer.layer, root: layer.root, descriptor: layer.descriptor, ino: inoOf(stage.tree) ?? '' };
  const journal: Journal = { version: 1, stage: stage.number, oldIno: inoOf(layout.target), owner };
  writeDurably(layout.journal, JSON.stringify(journal));
  await exchangeTrees(layout, journal);
  // So that what anybody does to the tree when they are told of it is not taken for what was done here.
  const inForceNs = BigInt(Date.now() + CHANGE_TIME_GRAIN_MS / 2) * 1_000_000n;
  const isTold = sleep(CHANGE_TIME_GRAIN_MS);
  writeOwner(layout, owner);
  await isTold;
  return { owner, inForceNs, removeOutgoing: () => removeOutgoing(layout, journal, workers) };
}

/** Ends a switch that a process began and did not live to end. */
export async function recoverSwitch(layout: TargetLayout, workers: InodeWorkers): Promise<void> {
  const bytes = readIfThere(layout.journal);
  if (bytes === undefined) return;
  const journal = parse(layout.journal, bytes) as Journal;
  await exchangeTrees(layout, journal);
  writeOwner(layout, journal.owner);
  await removeOutgoing(layout, journal, workers);
}

export function readOwner(layout: TargetLayout): OwnerRecord | undefined {
  const bytes = readIfThere(layout.owner);
  if (bytes === undefined) return undefined;
  return parse(layout.owner, bytes) as OwnerRecord;
}

export function writeOwner(layout: TargetLayout, owner: OwnerRecord): void {
  writeDurably(layout.owner, JSON.stringify(owner));
}

/** Unless an earlier process has; and sets what had to wait for it. */
async function exchangeTrees(layout: TargetLayout, journal: Journal): Promise<void> {
  const stage = stageLayout(layout.stateDir, journal.stage, journal.owner.root);
  if (inoOf(layout.target) !== journal.owner.ino) {
    try {
      exchange(layout, stage, journal);
    } catch (error) {
      // Nothing has moved: the old tree stands, the stage is kept.
      removeDurably(layout.journal);
      throw error;
    }
  }
  syncDirectory(layout.parent);
  // What stands under the stage's name now is not what its log says, whatever becomes of it.
  removeDurably(stage.log);
  await applyFixes(stage.fixes, Buffer.from(layout.target));
}

async function removeOutgoing(layout: TargetLayout, { stage: number, owner }: Journal, workers: InodeWorkers): Promise<void> {
  const stage = stageLayout(layout.stateDir, number, owner.root);
  for (const outgoing of [stage.tree, layout.old]) await removeTree(Buffer.from(outgoing), workers);
  rmSync(stage.fixes, { force: true });
  removeDurably(layout.journal);
}

function exchange(layout: TargetLayout, stage: StageLayout, { oldIno, owner }: Journal): void {
  const present = inoOf(layout.target);
  if (inoOf(stage.tree) !== owner.ino) {
    throw new BranchcastError('BC_TARGET_BUSY', `the tree that was to be switched into ${layout.target} is gone from ${layout.stateDir}`);
  }
  if (present !== undefined && present !== oldIno) {
    throw new BranchcastError('BC_TARGET_NOT_OWNED', `${layout.target} was replaced by another directory during a switch`);
  }
  try {
    if (present === undefined) {
      renameSync(stage.tree, layout.target);
      return;
    }
    letMove(layout.target);
    if (exchangePaths(Buffer.from(stage.tree), Buffer.from(layout.target))) return;
    swapInTwoSteps(layout, stage);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new BranchcastError('BC_PLATFORM', `cannot switch ${basename(layout.target)} in ${layout.parent} (${code})`, { cause });
  }
}

function swapInTwoSteps({ target, old }: TargetLayout, stage: StageLayout): void {
  renameSync(target, old);
  try {
    renameSync(stage.tree, target);
  } catch (error) {
    renameSync(old, target);
    throw error;
  }
}

/** Moving a directory changes its `..`, which only who may write to it (or root) may do. It is on its way out. */
function letMove(path: string): void {
  const { mode, uid } = lstatSync(path);
  if ((mode & 0o200) === 0 && uid === process.getuid?.()) chmodSync(path, (mode & 0o7777) | 0o700);
}

function parse(path: string, bytes: Buffer): { readonly version: 1 } {
  let record: { readonly version: unknown };
  try {
    record = JSON.parse(bytes.toString()) as { readonly version: unknown };
  } catch (cause) {
    throw new BranchcastError('BC_STORE_DAMAGED', `${path} is damaged: remove it, then pull with --adopt`, { cause });
  }
  if (record.version !== 1) throw new BranchcastError('BC_FORMAT_VERSION', `${path} was written by another version`);
  return { ...record, version: 1 };
}

function inoOf(path: string): string | undefined {
  return lstatIfThere(path)?.ino.toString();
}
