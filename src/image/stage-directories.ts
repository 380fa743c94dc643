/** The directories of a tree that is brought to a manifest: those that stand already, and those that are made. */
import { mkdirSync } from 'node:fs';
import type { Entry, PathKey } from '../manifest/entry.ts';
import { isWithin } from '../manifest/key.ts';
import { pathBelow } from './key-path.ts';
import { Standing } from './standing.ts';

export class StageDirectories {
  readonly #root: Buffer;
  readonly #standing: number[];
  /** Those that the last entry is in, from the root down. */
  readonly #open: { readonly key: PathKey; readonly index: number }[] = [];

  /** Writes to `standing`, by the entry's number, what stood there; or that a directory is touched now. */
  constructor(root: Buffer, standing: number[]) {
    this.#root = root;
    this.#standing = standing;
  }

  /** Every entry in key order. `stands` is the old one's Standing: a directory is made if there is none. One that stands may be written to: see pruneTree(). */
  take(key: PathKey, type: Entry['type'], index: number, stands: number): void {
    while (this.#open.length > 0 && !isWithin(key, (this.#open.at(-1) as { readonly key: PathKey }).key)) this.#open.pop();
    const isThere = stands === Standing.intact || stands === Standing.touched;
    const within = this.#open.at(-1);
    if (!isThere && within !== undefined && this.#standing[within.index] === Standing.intact) this.#standing[within.index] = Standing.touched;
    this.#standing.push(isThere ? stands : Standing.gone);
    if (type !== 'directory') return;
    if (!isThere) mkdirSync(pathBelow(this.#root, key), 0o700);
    this.#open.push({ key, index });
  }
}
