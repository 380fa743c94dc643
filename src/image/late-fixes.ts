/**
 * Metadata that is set after the switch, because until then the inode is also the old tree's. One line of JSON each:
 * [key in base64, inode number, mode, uid, gid, mtime seconds, mtime nanoseconds]. Setting them twice does no harm.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Metadata, PathKey } from '../manifest/entry.ts';
import { setMetadataOfInode } from './inode-metadata.ts';
import { lstatIfThere, pathBelow } from './key-path.ts';

type Fix = readonly [key: string, ino: string, mode: number, uid: number, gid: number, mtimeSeconds: number, mtimeNanos: number];

export function formatFix(key: PathKey, ino: bigint, { mode, uid, gid, mtimeSeconds, mtimeNanos }: Metadata): string {
  const fix: Fix = [Buffer.from(key).toString('base64'), String(ino), mode, uid, gid, mtimeSeconds, mtimeNanos];
  return `${JSON.stringify(fix)}\n`;
}

/** Names that have come to mean another inode since are left alone. */
export async function applyFixes(fixesPath: string, tree: Buffer): Promise<void> {
  if (lstatIfThere(fixesPath) === undefined) return;
  // An inode's mtime does not suffer from the order, since no fix creates or removes a name.
  for await (const line of createInterface({ input: createReadStream(fixesPath), crlfDelay: Infinity })) {
    const [key, ino, mode, uid, gid, mtimeSeconds, mtimeNanos] = JSON.parse(line) as Fix;
    setMetadataOfInode(pathBelow(tree, Buffer.from(key, 'base64')), BigInt(ino), { mode, uid, gid, mtimeSeconds, mtimeNanos });
  }
}
