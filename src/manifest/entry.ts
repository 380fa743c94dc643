/** What a manifest says of one path. docs/formats.md, "Manifest", gives the bytes. */
import type { Digest } from '../chunking/digest.ts';

/**
 * The key of an entry: its path's components joined by 0x00 (which no name can hold), so that plain byte order is
 * component order: a directory stands right before what is in it. The root directory's key is empty. Names are bytes.
 */
export type PathKey = Uint8Array;

/** A run of a file's bytes: `lengthBytes` of the chunk, from `offsetBytes` in it. Runs follow each other without gaps. */
export interface Piece {
  readonly digest: Digest;
  /** Length of the whole chunk. */
  readonly chunkBytes: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Extended attributes in the byte order of their names. Carried by the format; captured and applied from L17 on. */
export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export interface Metadata {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, may be negative; and 0 to 999,999,999 nanoseconds after it. */
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  readonly xattrs?: readonly Xattr[];
}

/** A hole in a sparse file: reads as zeros, holds no chunk bytes... [offset, length], ascending, not touching. */
export interface Hole {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export type Content =
  /** A few pieces, in the entry itself. The pieces' lengths add up to the file's size less its holes. */
  | { readonly pieces: readonly Piece[] }
  /** Many chunks: the digest of a chunk list node, a Merkle list of its own. Its chunks are taken whole. */
  | { readonly list: Digest };

export interface FileEntry extends Metadata {
  readonly type: 'file';
  readonly key: PathKey;
  readonly sizeBytes: number;
  readonly content: Content;
  readonly holes?: readonly Hole[];
}

export interface DirectoryEntry extends Metadata {
  readonly type: 'directory';
  readonly key: PathKey;
}

export interface SymlinkEntry extends Metadata {
  readonly type: 'symlink';
  readonly key: PathKey;
  /** Bytes as readlink gives them. */
  readonly target: Uint8Array;
}

/** A further name of a regular file. Metadata is the inode's and stands at the first name only. */
export interface HardlinkEntry {
  readonly type: 'hardlink';
  readonly key: PathKey;
  /** Key of the first name in key order, which is a file entry with a smaller key. */
  readonly target: PathKey;
}

export interface DeviceEntry extends Metadata {
  readonly type: 'char-device' | 'block-device';
  readonly key: PathKey;
  readonly major: number;
  readonly minor: number;
}

export interface FifoEntry extends Metadata {
  readonly type: 'fifo';
  readonly key: PathKey;
}

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | HardlinkEntry | DeviceEntry | FifoEntry;

/** A block of manifest: the bytes of a node, and the digest that names them. */
export interface ManifestBlock {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}
