/** Trees as values, and on the disk. Names and link targets are latin1 text: one character a byte. */
import { createCipheriv } from 'node:crypto';
import { chmodSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { makeFifo, setMtime } from '../../../src/image/posix.ts';

export interface FileSpec {
  readonly type: 'file';
  readonly content: Uint8Array;
  readonly mode?: number;
  readonly mtime?: readonly [seconds: number, nanos: number];
}

export interface LinkSpec {
  readonly type: 'symlink';
  readonly target: string;
}

export interface FifoSpec {
  readonly type: 'fifo';
}

/** A further name of the file that `to`, names joined by `/`, is in the whole tree; it must come first in the order of names. */
export interface HardlinkSpec {
  readonly type: 'hardlink';
  readonly to: string;
}

export interface DirectorySpec {
  readonly type: 'directory';
  readonly entries: Readonly<Record<string, Spec>>;
  readonly mode?: number;
  readonly mtime?: readonly [seconds: number, nanos: number];
}

export type Spec = FileSpec | LinkSpec | FifoSpec | HardlinkSpec | DirectorySpec;

export const DEFAULT_MTIME = [1_700_000_000, 123_456_789] as const;

export function file(content: string | Uint8Array, options: Omit<FileSpec, 'type' | 'content'> = {}): FileSpec {
  return { type: 'file', content: typeof content === 'string' ? Buffer.from(content) : content, ...options };
}

export function directory(entries: DirectorySpec['entries'], options: Omit<DirectorySpec, 'type' | 'entries'> = {}): DirectorySpec {
  return { type: 'directory', entries, ...options };
}

/** Makes the tree at `root`, which must not be there. */
export function makeTree(root: string, spec: DirectorySpec): void {
  make(Buffer.from(root), spec, Buffer.from(root));
}

function make(path: Buffer, spec: Spec, root: Buffer): void {
  if (spec.type === 'hardlink') {
    linkSync(below(root, spec.to), path);
    return;
  }
  if (spec.type === 'symlink') {
    symlinkSync(Buffer.from(spec.target, 'latin1'), path);
    lutimesSync(path, 0, DEFAULT_MTIME[0]);
    return;
  }
  if (spec.type === 'fifo') {
    makeFifo(path);
    setMtime(path, ...DEFAULT_MTIME);
    return;
  }
  if (spec.type === 'file') {
    writeFileSync(path, spec.content);
  } else {
    mkdirSync(path);
    // Sorted, so that hard links find their target there.
    for (const [name, child] of Object.entries(spec.entries).sort(([a], [b]) => (a < b ? -1 : 1))) make(below(path, name), child, root);
  }
  chmodSync(path, spec.mode ?? (spec.type === 'file' ? 0o644 : 0o755));
  setMtime(path, ...(spec.mtime ?? DEFAULT_MTIME));
}

export function below(path: Buffer, name: string): Buffer {
  return Buffer.concat([path, Buffer.from('/'), Buffer.from(name, 'latin1')]);
}

/** The same bytes for the same seed; they do not compress or repeat. */
export function noise(lengthBytes: number, seed: number): Uint8Array {
  const key = Buffer.alloc(16);
  key.writeInt32LE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(new Uint8Array(lengthBytes));
}
