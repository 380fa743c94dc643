/** `base` and `image`: a Debian root by debootstrap, and a file system image. Both follow Debian's archive: they are recorded, not pinned. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KiB, MiB } from '../../src/base/units.ts';
import { BASE_SUITE, BASE_V2_PACKAGES } from './definitions.ts';

const IMAGE_UUID = '6b1d2c4e-0f3a-4c5b-9d7e-8a9b0c1d2e3f';
const IMAGE_TIME_SECONDS = '1700000000';
/** Room for what ext4 keeps for itself: its inode tables and journal. */
const IMAGE_ROOM_SHARE = 1.15;
const IMAGE_ROOM_MIB = 64;

/** Why base and image cannot be built here; undefined if they can. */
export function debianObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'base and image need root: debootstrap and chroot are not for others';
  const missing = ['debootstrap', 'mke2fs'].filter((tool) => !has(tool));
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed: scripts/bench-peers installs what Debian has`;
}

export function buildBase(version: 'v1' | 'v2', dir: string, v1: string): void {
  if (version === 'v1') {
    const place = archives().find(({ suite }) => suite === BASE_SUITE);
    run('debootstrap', ['--variant=minbase', BASE_SUITE, dir, ...(place === undefined ? [] : [place.uri])]);
  } else {
    run('cp', ['-a', v1, dir]);
    cpSync('/etc/resolv.conf', join(dir, 'etc/resolv.conf'));
    const places = archives();
    if (places.length > 0) writeFileSync(join(dir, 'etc/apt/sources.list'), places.map(({ uri, suite }) => `deb ${uri} ${suite} main\n`).join(''));
    const apt = (...args: string[]): void => run('chroot', [dir, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '-qq', '-o', 'Acquire::Retries=3', ...args]);
    apt('update');
    apt('dist-upgrade');
    apt('install', '--no-install-recommends', ...BASE_V2_PACKAGES);
  }
  // What tells of this build only. The directories themselves stay, with their modes.
  for (const place of ['var/cache/apt', 'var/lib/apt/lists', 'var/log', 'tmp', 'run']) {
    for (const name of readdirSync(join(dir, place))) rmSync(join(dir, place, name), { recursive: true });
  }
  writeFileSync(join(dir, 'etc/machine-id'), '');
}

/** One file, `disk.img`, in `dir`: `base` with `app` below opt/. */
export function buildImage(dir: string, base: string, app: string): void {
  const stage = `${dir}.stage`;
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  try {
    run('cp', ['-a', base, stage]);
    run('cp', ['-a', app, join(stage, 'opt', 'app')]);
    const kibibytes = Number(execFileSync('du', ['-s', `--block-size=${KiB}`, stage], { encoding: 'utf8' }).split('\t')[0]);
    const size = `${Math.ceil((kibibytes * KiB * IMAGE_ROOM_SHARE) / MiB) + IMAGE_ROOM_MIB}M`;
    run('mke2fs', ['-q', '-t', 'ext4', '-U', IMAGE_UUID, '-E', `hash_seed=${IMAGE_UUID},lazy_itable_init=0,root_owner=0:0`, '-d', stage, join(dir, 'disk.img'), size], { E2FSPROGS_FAKE_TIME: IMAGE_TIME_SECONDS });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Where this machine gets the suite and its updates from, if it is a Debian of that kind; else debootstrap knows a place. */
function archives(): { uri: string; suite: string }[] {
  if (!has('apt-get')) return [];
  const lines = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)', 'Created-By: Packages'], { encoding: 'utf8' }).split('\n');
  return lines.map((line) => line.split(' ')).filter(([, suite = '', component]) => suite.startsWith(BASE_SUITE) && component === 'main').map(([uri = '', suite = '']) => ({ uri, suite }));
}

function has(tool: string): boolean {
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin', ...(process.env['PATH'] ?? '').split(':')].some((dir) => existsSync(join(dir, tool)));
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  execFileSync(command, [...args], { stdio: ['ignore', 2, 2], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C', ...env } });
}
