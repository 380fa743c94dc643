/** A directory tree on the disk, in the order of manifest keys. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, type BigIntStats } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import type { PathKey } from '../manifest/entry.ts';

export interface Walked {
  readonly key: PathKey;
  /** Where it is: the root's path and the key's components, as bytes. */
  readonly path: Buffer;
  readonly stat: BigIntStats;
  /** Of a symlink: where it points. */
  readonly target?: Buffer;
}

const SLASH = Buffer.from('/');
const KEY_SEPARATOR = Buffer.from([0]);

interface OpenDirectory {
  readonly path: Buffer;
  readonly key: Buffer;
  readonly names: readonly Buffer[];
  next: number;
}

/**
 * The root directory and everything below it. Sorting the names of each directory as bytes gives the order of whole keys,
 * since the separator 0x00 is below every byte of a name. Symlinks are seen, never followed.
 *
 * Throws BC_TREE_UNREADABLE for a directory that cannot be listed, BC_TREE_CHANGED for a name that is gone when its turn comes.
 */
export function* walkTree(root: Buffer): Generator<Walked, void, undefined> {
  const rootStat = statOf(root);
  yield { key: Buffer.alloc(0), path: root, stat: rootStat };
  const open: OpenDirectory[] = [listDirectory(root, Buffer.alloc(0))];
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const name = directory.names[directory.next];
    if (name === undefined) {
      open.pop();
      continue;
    }
    directory.next += 1;
    const path = Buffer.concat([directory.path, SLASH, name]);
    const key = directory.key.byteLength === 0 ? name : Buffer.concat([directory.key, KEY_SEPARATOR, name]);
    const stat = statOf(path);
    yield stat.isSymbolicLink() ? { key, path, stat, target: targetOf(path) } : { key, path, stat };
    if (stat.isDirectory()) open.push(listDirectory(path, key));
  }
}

/** Where the tree at `dir` really is: a link to it is followed. Throws BC_TREE_UNREADABLE unless it is a directory. */
export function treeRoot(dir: string): Buffer {
  try {
    const root = realpathSync.native(dir, 'buffer');
    if (lstatSync(root).isDirectory()) return root;
  } catch (cause) {
    throw new BranchcastError('BC_TREE_UNREADABLE', `${dir} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause, details: { path: dir } });
  }
  throw new BranchcastError('BC_TREE_UNREADABLE', `${dir} is not a directory`, { details: { path: dir } });
}

function listDirectory(path: Buffer, key: Buffer): OpenDirectory {
  try {
    const names = readdirSync(path, { encoding: 'buffer' });
    return { path, key, names: names.sort((a, b) => Buffer.compare(a, b)), next: 0 };
  } catch (error) {
    throw treeError(path, 'the directory', error);
  }
}

function statOf(path: Buffer): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    throw treeError(path, 'the entry', error);
  }
}

function targetOf(path: Buffer): Buffer {
  try {
    return readlinkSync(path, { encoding: 'buffer' });
  } catch (error) {
    throw treeError(path, 'the link', error);
  }
}

/** A failed call on the tree as an error with its name in it: gone or replaced meanwhile, or not readable. */
export function treeError(path: Buffer, what: string, cause: unknown): BranchcastError {
  if (cause instanceof BranchcastError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const gone = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE'].includes(code);
  return gone
    ? new BranchcastError('BC_TREE_CHANGED', `${what} ${path.toString()} changed while the tree was read`, { cause, details: { path: path.toString() } })
    : new BranchcastError('BC_TREE_UNREADABLE', `${what} ${path.toString()} cannot be read (${code})`, { cause, details: { path: path.toString() } });
}
