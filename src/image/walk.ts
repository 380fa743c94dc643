/** A directory tree on the disk, in the order of manifest keys. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, type BigIntStats } from 'node:fs';
import { BranchcastError } from '../base/errors.ts';
import type { PathKey } from '../manifest/entry.ts';
import { ROOT_KEY } from '../manifest/key.ts';

/** A name in the tree. */
export interface Listed {
  readonly key: PathKey;
  /** Where it is: the root's path and the key's components, as bytes. */
  readonly path: Buffer;
  /** What it is; undefined of a regular file, which is for the caller to look at. A directory is looked at before it is listed: names that come later change its times. */
  readonly stat: BigIntStats | undefined;
  /** Of a symlink: where it points. */
  readonly target: Buffer | undefined;
}

export interface Walked extends Listed {
  readonly stat: BigIntStats;
}

const SLASH = Buffer.from('/');
const KEY_SEPARATOR = Buffer.from([0]);

interface Name {
  readonly name: Buffer;
  /** By what the directory says. */
  readonly isFile: boolean;
}

interface OpenDirectory {
  readonly path: Buffer;
  readonly key: Buffer;
  readonly names: readonly Name[];
  next: number;
}

/** The root directory and everything below it, in the order of listTree(), each looked at when its turn comes. Throws as that does. */
export function* walkTree(root: Buffer): Generator<Walked, void, undefined> {
  for (const { key, path, stat, target } of listTree(root)) yield { key, path, stat: stat ?? statOfFile(path), target };
}

/**
 * The root directory and everything below it; only what comes after the entry at `after`, if that is given. Sorting the names of each directory as bytes gives the order of whole keys,
 * since the separator 0x00 is below every byte of a name. Symlinks are seen, never followed.
 *
 * Throws BC_TREE_UNREADABLE for a directory that cannot be listed, BC_TREE_CHANGED for a name that is gone when its turn comes.
 */
export function* listTree(root: Buffer, after?: PathKey): Generator<Listed, void, undefined> {
  if (after === undefined) yield { key: ROOT_KEY, path: root, stat: statOf(root), target: undefined };
  const open: OpenDirectory[] = after === undefined ? [listDirectory(root, Buffer.alloc(0))] : openAfter(root, after);
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const named = directory.names[directory.next];
    if (named === undefined) {
      open.pop();
      continue;
    }
    directory.next += 1;
    const { path, key } = childOf(directory, named.name);
    const stat = named.isFile ? undefined : statOf(path);
    yield { key, path, stat, target: stat?.isSymbolicLink() === true ? targetOf(path) : undefined };
    if (stat?.isDirectory() === true) open.push(listDirectory(path, key));
  }
}

/** The directories that lead to the entry, each after the name that does, and last the entry itself if it is one. */
function openAfter(root: Buffer, after: PathKey): OpenDirectory[] {
  const open: OpenDirectory[] = [];
  let directory = listDirectory(root, Buffer.alloc(0));
  for (const name of after.byteLength === 0 ? [] : namesOf(after)) {
    const next = directory.names.findIndex((other) => Buffer.compare(other.name, name) > 0);
    open.push({ ...directory, next: next < 0 ? directory.names.length : next });
    const { path, key } = childOf(directory, name);
    // Nothing but a directory has anything below it, and only the last may be another.
    if (key.byteLength === after.byteLength && !statOf(path).isDirectory()) return open;
    directory = listDirectory(path, key);
  }
  open.push(directory);
  return open;
}

function namesOf(key: PathKey): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from <= key.byteLength; ) {
    const end = key.indexOf(0, from);
    names.push(Buffer.from(key.subarray(from, end < 0 ? key.byteLength : end)));
    from = end < 0 ? key.byteLength + 1 : end + 1;
  }
  return names;
}

function childOf({ path, key }: OpenDirectory, name: Buffer): { readonly path: Buffer; readonly key: Buffer } {
  return { path: Buffer.concat([path, SLASH, name]), key: key.byteLength === 0 ? name : Buffer.concat([key, KEY_SEPARATOR, name]) };
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
    const names = readdirSync(path, { encoding: 'buffer', withFileTypes: true }).map((entry): Name => ({ name: entry.name, isFile: entry.isFile() }));
    return { path, key, names: names.sort((a, b) => Buffer.compare(a.name, b.name)), next: 0 };
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

/** Of what was a regular file. Throws BC_TREE_CHANGED if it is none any more. */
export function statOfFile(path: Buffer): BigIntStats {
  const stat = statOf(path);
  if (!stat.isFile()) throw new BranchcastError('BC_TREE_CHANGED', `${path.toString()} was a file and no longer is`, { details: { path: path.toString() } });
  return stat;
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
