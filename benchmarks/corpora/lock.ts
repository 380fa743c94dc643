/** What corpora must be, byte for byte: digests of the packages as the registry states them, and of the trees made of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TreeDigest {
  readonly fileCount: number;
  readonly bytes: number;
  /** Of names, types, modes, times, link targets and contents (scripts/compare-trees.ts). */
  readonly sha256: string;
}

export interface CorporaLock {
  /** `NAME@VERSION` -> integrity as in package-lock.json: `sha512-` and base64. */
  readonly packages: Readonly<Record<string, string>>;
  /** `CORPUS/TREE`, of trees that are the same on every machine. */
  readonly trees: Readonly<Record<string, TreeDigest>>;
}

const LOCK_FILE = join(import.meta.dirname, 'corpora.lock.json');

export function readLock(): CorporaLock {
  return parseLock(readFileSync(LOCK_FILE, 'utf8'));
}

export function writeLock(lock: CorporaLock): void {
  writeFileSync(LOCK_FILE, formatLock(lock));
}

/** Throws if anything in it is not a digest: a lock that does not lock must not pass. */
export function parseLock(text: string): CorporaLock {
  const { packages, trees } = JSON.parse(text) as Partial<CorporaLock>;
  if (packages === undefined || trees === undefined) throw new Error('the corpora lock needs "packages" and "trees"');
  for (const [name, integrity] of Object.entries(packages)) {
    if (!/^(@[\w.-]+\/)?[\w.-]+@\d[\w.+-]*$/.test(name)) throw new Error(`the corpora lock names "${name}": not NAME@VERSION`);
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) throw new Error(`the corpora lock has for ${name} no sha512 integrity`);
  }
  for (const [name, tree] of Object.entries(trees)) {
    if (!/^[0-9a-f]{64}$/.test(tree.sha256) || !Number.isSafeInteger(tree.fileCount) || !Number.isSafeInteger(tree.bytes)) throw new Error(`the corpora lock has for ${name} no tree digest`);
  }
  return { packages, trees };
}

/** In order of names, so that it changes only where something changed. */
export function formatLock({ packages, trees }: CorporaLock): string {
  const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ packages: sorted(packages), trees: sorted(trees) }, undefined, 2)}\n`;
}
