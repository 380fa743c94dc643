/** What an inode says of itself, as a manifest records it. */
import type { BigIntStats } from 'node:fs';
import type { Metadata } from '../manifest/entry.ts';

const NANOS = 1_000_000_000n;
const PERMISSION_BITS = 0o7777n;

/** Seconds are rounded towards the past, so that the nanoseconds after them are never negative. */
export function metadataOf(stat: BigIntStats): Metadata {
  const nanos = ((stat.mtimeNs % NANOS) + NANOS) % NANOS;
  return {
    mode: Number(stat.mode & PERMISSION_BITS),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeSeconds: Number((stat.mtimeNs - nanos) / NANOS),
    mtimeNanos: Number(nanos),
  };
}
