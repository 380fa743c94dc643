/** The tools that stand beside the product. scripts/bench-peers installs what Debian has of them. */
import { spawnSync } from 'node:child_process';

/** How each tells its version. */
const VERSION_ARGS = {
  b3sum: ['--version'],
  borg: ['--version'],
  casync: ['--version'],
  cp: ['--version'],
  git: ['--version'],
  ostree: ['--version'],
  rdiff: ['--version'],
  restic: ['version'],
  rsync: ['--version'],
  tar: ['--version'],
  time: ['--version'],
  xdelta3: ['-V'],
  zstd: ['--version'],
  zsync: ['-V'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PeerName = keyof typeof VERSION_ARGS;

export interface Peer {
  readonly name: PeerName;
  /** Its own words, shortened to the number where it has one. */
  readonly version: string;
}

const VERSION_DEADLINE_MS = 20_000;

/** Undefined if it is not installed. */
export function findPeer(name: PeerName): Peer | undefined {
  const { error, stdout, stderr } = spawnSync(name, [...VERSION_ARGS[name]], { encoding: 'utf8', timeout: VERSION_DEADLINE_MS });
  return error === undefined ? { name, version: versionIn(`${stdout}\n${stderr}`) } : undefined;
}

export function findPeers(): Peer[] {
  return peerNames().map(findPeer).filter((peer) => peer !== undefined);
}

export function peerNames(): PeerName[] {
  return Object.keys(VERSION_ARGS) as PeerName[];
}

/** `git version 2.39.5` -> `2.39.5`; the first line where no number stands. */
export function versionIn(output: string): string {
  return /\d+(?:\.\d+)+/.exec(output)?.[0] ?? /\d+/.exec(output)?.[0] ?? output.trim().split('\n')[0] ?? '';
}
