/** Whose a target directory is. branchcast replaces whole directories, so it must be sure that they are its own. */
import { lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { BranchcastError } from '../base/errors.ts';
import { lstatIfThere } from './key-path.ts';
import type { TargetLayout } from './target-layout.ts';
import type { OwnerRecord } from './tree-switch.ts';

/** The directory that `dir` means: a link to one is followed, missing parents are made. Throws BC_PLATFORM, BC_TARGET_NOT_OWNED. */
export function realTarget(dir: string): string {
  const named = resolve(dir);
  if (lstatIfThere(named) === undefined) {
    mkdirSync(dirname(named), { recursive: true });
    return join(realpathSync(dirname(named)), basename(named));
  }
  const target = realpathSync(named);
  const stat = lstatSync(target);
  if (!stat.isDirectory()) throw new BranchcastError('BC_TARGET_NOT_OWNED', `${target} is there and is not a directory`);
  if (target === dirname(target) || stat.dev !== lstatSync(dirname(target)).dev) {
    throw new BranchcastError('BC_PLATFORM', `${target} is a mount point, which cannot be replaced as a whole: choose a directory below it`);
  }
  return target;
}

/** The directory is the one that the layer was switched into. */
export function isOwned(layout: TargetLayout, owner: OwnerRecord | undefined): boolean {
  return owner !== undefined && lstatIfThere(layout.target)?.ino.toString() === owner.ino;
}

/** Throws BC_TARGET_NOT_OWNED for a directory that is not ours and not empty, unless it is to be adopted. */
export function checkOwned(layout: TargetLayout, owner: OwnerRecord | undefined, adopt: boolean): void {
  if (adopt || lstatIfThere(layout.target) === undefined || isOwned(layout, owner)) return;
  const count = readdirSync(layout.target).length;
  if (count === 0) return;
  throw new BranchcastError('BC_TARGET_NOT_OWNED', `${layout.target} holds ${count} entries that branchcast did not put there`, { details: { target: layout.target, entries: count } });
}

/** For this user only: half-finished trees have no modes yet. One that somebody else made there is not used. */
export function makeStateDir({ stateDir }: TargetLayout): void {
  const isNew = mkdirIfMissing(stateDir);
  if (isNew) return;
  const stat = lstatSync(stateDir);
  const isOurs = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid()) && (stat.mode & 0o022) === 0;
  if (!isOurs) throw new BranchcastError('BC_TARGET_NOT_OWNED', `${stateDir} is not a directory that only this user can write to`);
}

function mkdirIfMissing(path: string): boolean {
  try {
    mkdirSync(path, 0o700);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}
