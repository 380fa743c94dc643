/** Paths of many entries in one piece of memory, as threads pass them to each other: relative to a directory, each with a NUL after it, which no path has in it. */
import type { PathKey } from '../manifest/entry.ts';
import { NUL, SLASH } from '../manifest/key.ts';

/** The keys have been checked, as for pathBelow(). */
export function packKeys(keys: readonly PathKey[]): Uint8Array {
  let totalBytes = 0;
  for (const key of keys) totalBytes += key.length + 1;
  const packed = new Uint8Array(totalBytes);
  let to = 0;
  for (const key of keys) {
    // Byte by byte, as in pathBelow().
    for (let at = 0; at < key.length; at += 1, to += 1) packed[to] = key[at] === NUL ? SLASH : (key[at] as number);
    to += 1;
  }
  return packed;
}

/** Each below `root`; the empty one is `root` itself. */
export function unpackBelow(root: Uint8Array, packed: Uint8Array): Buffer[] {
  const source = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const paths: Buffer[] = [];
  for (let from = 0, end = source.indexOf(NUL); end >= 0; from = end + 1, end = source.indexOf(NUL, from)) {
    if (end === from) {
      paths.push(Buffer.from(root));
      continue;
    }
    const path = Buffer.allocUnsafe(root.length + 1 + end - from);
    path.set(root);
    path[root.length] = SLASH;
    source.copy(path, root.length + 1, from, end);
    paths.push(path);
  }
  return paths;
}

/** Whole paths, for what is no entry of a manifest. */
export function packPaths(paths: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(paths.reduce((sum, path) => sum + path.byteLength + 1, 0));
  let at = 0;
  for (const path of paths) {
    packed.set(path, at);
    at += path.byteLength + 1;
  }
  return packed;
}

export function unpackPaths(packed: Uint8Array): Buffer[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const paths: Buffer[] = [];
  for (let from = 0, end = bytes.indexOf(NUL); end >= 0; from = end + 1, end = bytes.indexOf(NUL, from)) paths.push(bytes.subarray(from, end));
  return paths;
}
