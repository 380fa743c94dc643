/** What branchcast keeps beside a target: `<parent>/.<name>.branchcast/`, on the same file system, for this user only. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseDigest, type Digest } from '../chunking/digest.ts';

export interface TargetLayout {
  /** The tree that users see. */
  readonly target: string;
  readonly parent: string;
  /** Everything below stands in it. */
  readonly stateDir: string;
  readonly lock: string;
  /** What the target holds (OwnerRecord). */
  readonly owner: string;
  readonly statCache: string;
  /** A second tree of the target's files, and what it looked like: see spare.ts. */
  readonly spare: string;
  readonly spareCache: string;
  /** A switch under way. */
  readonly journal: string;
  /** The tree that was in the target, on its way out, where no atomic exchange is possible. */
  readonly old: string;
}

export function layoutOf(target: string): TargetLayout {
  const parent = dirname(target);
  const stateDir = join(parent, `.${basename(target)}.branchcast`);
  return {
    target,
    parent,
    stateDir,
    lock: join(stateDir, 'lock'),
    owner: join(stateDir, 'owner.json'),
    statCache: join(stateDir, 'stat-cache'),
    spare: join(stateDir, 'spare'),
    spareCache: join(stateDir, 'spare-cache'),
    journal: join(stateDir, 'journal.json'),
    old: join(stateDir, 'old'),
  };
}

/** One tree being assembled. A process that goes on with another's work begins a new one and moves the finished files over. */
export interface StageLayout {
  readonly number: number;
  /** Of the manifest that it is to become. */
  readonly root: Digest;
  readonly tree: string;
  readonly log: string;
  /** Metadata to be set after the switch. */
  readonly fixes: string;
}

export function stageLayout(stateDir: string, number: number, root: Digest): StageLayout {
  const tree = join(stateDir, `stage-${number}-${root}`);
  return { number, root, tree, log: `${tree}.log`, fixes: `${tree}.fixes` };
}

/** The stages that are there, whole or in part, the newest first. */
export function stagesIn(stateDir: string): StageLayout[] {
  const found = new Map<string, StageLayout>();
  for (const name of readdirSync(stateDir)) {
    const [stem = '', number = '', digest = ''] = /^stage-(\d+)-([0-9a-f]+)/.exec(name) ?? [];
    const root = parseDigest(digest);
    if (root !== undefined) found.set(stem, stageLayout(stateDir, Number(number), root));
  }
  return [...found.values()].sort((a, b) => b.number - a.number);
}
