/** One process at a time works on a target directory. */
import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import { lockFile } from './posix.ts';

export interface TargetLock {
  /** To be called once. */
  release(): void;
}

/**
 * Locks `path` (created if need be) for the life of this process or until `release`. The kernel ends a flock with its
 * process, so that no lock is ever stale. Throws BC_TARGET_BUSY.
 */
export function lockTarget(path: string, target: string): TargetLock {
  const fd = openSync(path, 'a+', 0o600);
  const locked = lockFile(fd);
  if (locked === true) {
    // For the message to whom finds it locked.
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
    return { release: () => closeSync(fd) };
  }
  closeSync(fd);
  if (locked === false) throw busy(target, Number.parseInt(readFileSync(path, 'utf8'), 10));
  return lockByName(`${path}.pid`, target);
}

/** Where there is no flock: a file that names its process. One that names a dead process is moved away and tried again. */
function lockByName(path: string, target: string): TargetLock {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const fd = openSync(path, 'wx', 0o600);
      writeSync(fd, `${process.pid}\n`);
      closeSync(fd);
      return { release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(path);
    if (holder !== undefined && isAlive(holder)) throw busy(target, holder);
    // Moved under a name of this process's own, so that of two that found it stale only one moves it.
    const aside = `${path}.${process.pid}`;
    try {
      renameSync(path, aside);
    } catch {
      continue;
    }
    rmSync(aside, { force: true });
  }
  throw busy(target, holderOf(path));
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function busy(target: string, holder: number | undefined): BranchcastError {
  const who = holder === undefined || Number.isNaN(holder) ? 'another process' : `process ${holder}`;
  return new BranchcastError('BC_TARGET_BUSY', `${who} works on ${target}`, { details: { target, ...(holder === undefined ? {} : { pid: holder }) } });
}
