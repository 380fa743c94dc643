/**
 * The few calls that node:fs lacks, through koffi, each with what a system without them gets. Paths are bytes: a name that
 * is not valid UTF-8 must survive. Loaded at first use; `posixSupport` tells `doctor` what this machine has.
 */
import { lutimesSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import type * as Koffi from 'koffi';

/** <fcntl.h>, <linux/fs.h>, <sys/stat.h>, <sys/file.h> of Linux; the calls below are not used elsewhere. */
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const RENAME_EXCHANGE = 2;
const UTIME_OMIT = 0x3ffffffe;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const LOCK_EX_NB = 2 | 4;
/** <linux/fs.h> since Linux 6.14; file systems learn it one by one. */
const RWF_DONTCACHE = 0x80;
const STATX_BASIC_STATS = 0x7ff;

/** <fcntl.h> of Linux; node:fs does not name it. What is opened so need not be readable. */
export const O_PATH = 0o10000000;

/** struct statx of <linux/stat.h>: laid out alike on every machine. */
export const STATX_BYTES = 256;

interface LinuxCalls {
  renameat2?: (oldDir: number, oldPath: Uint8Array, newDir: number, newPath: Uint8Array, flags: number) => number;
  utimensat?: (dir: number, path: Uint8Array, times: BigInt64Array, flags: number) => number;
  syncfs?: { async: (fd: number, done: (error: unknown, result: number) => void) => void };
  flock?: (fd: number, operation: number) => number;
  mkfifo?: (path: Uint8Array, mode: number) => number;
  mknod?: (path: Uint8Array, mode: number, device: bigint) => number;
  statx?: (dir: number, name: Uint8Array, flags: number, mask: number, into: Uint8Array) => number;
  pwritev2?: { async: (fd: number, pieces: { readonly base: Uint8Array; readonly len: number }, count: number, offset: number, flags: number, done: (error: unknown, result: number) => void) => void };
}

const DECLARATIONS: Readonly<Record<keyof LinuxCalls, string>> = {
  renameat2: 'int renameat2(int, const uint8_t *, int, const uint8_t *, unsigned int)',
  // struct timespec is two 64-bit words on every 64-bit Linux.
  utimensat: 'int utimensat(int, const uint8_t *, const int64_t *, int)',
  syncfs: 'int syncfs(int)',
  flock: 'int flock(int, int)',
  mkfifo: 'int mkfifo(const uint8_t *, uint32_t)',
  mknod: 'int mknod(const uint8_t *, uint32_t, uint64_t)',
  statx: 'int statx(int, const uint8_t *, int, unsigned int, uint8_t *)',
  pwritev2: 'int64_t pwritev2(int, const iovec *, int, int64_t, int)',
};

export interface PosixSupport {
  /** renameat2(RENAME_EXCHANGE): the switch of a tree is one atomic step; without it, two renames. */
  readonly atomicExchange: boolean;
  /** utimensat: times to the nanosecond; without it, to the microsecond. */
  readonly nanosecondTimes: boolean;
  /** syncfs: one flush for a whole tree; without it, one fsync a file. */
  readonly filesystemSync: boolean;
  /** flock: a lock that ends with its process; without it, a lock file that names its process. */
  readonly fileLocks: boolean;
  readonly fifos: boolean;
  /** Device nodes; making one also needs root. */
  readonly devices: boolean;
  /** pwritev2: what is written once need not stay in memory; without it, it pushes other files out of the page cache. */
  readonly uncachedWrites: boolean;
  /** Why the calls are missing, when they all are. */
  readonly problem?: string;
}

let loaded: { readonly calls: LinuxCalls; readonly errno: () => number; readonly problem?: string } | undefined;

function libc(): NonNullable<typeof loaded> {
  loaded ??= load();
  return loaded;
}

function load(): NonNullable<typeof loaded> {
  const none = (problem: string): NonNullable<typeof loaded> => ({ calls: {}, errno: () => 0, problem });
  if (process.env['BRANCHCAST_NATIVE'] === '0') return none('switched off by BRANCHCAST_NATIVE=0');
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    return none(`not a 64-bit Linux (${process.platform} ${process.arch})`);
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    koffi.struct('iovec', { base: 'const uint8_t *', len: 'size_t' });
    const calls: Record<string, unknown> = {};
    for (const [name, declaration] of Object.entries(DECLARATIONS)) {
      try {
        calls[name] = library.func(declaration);
      } catch {
        // This libc does not export it (glibc has mknod since 2.33): that one call has its fallback.
      }
    }
    return { calls, errno: () => koffi.errno() };
  } catch (error) {
    return none(`koffi cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function posixSupport(): PosixSupport {
  const { calls, problem } = libc();
  return {
    atomicExchange: calls.renameat2 !== undefined,
    nanosecondTimes: calls.utimensat !== undefined,
    filesystemSync: calls.syncfs !== undefined,
    fileLocks: calls.flock !== undefined,
    fifos: calls.mkfifo !== undefined,
    devices: calls.mknod !== undefined,
    uncachedWrites: calls.pwritev2 !== undefined,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Swaps what two paths name, atomically. False if this system or file system cannot. */
export function exchangePaths(a: Uint8Array, b: Uint8Array): boolean {
  const { renameat2 } = libc().calls;
  if (renameat2 === undefined) return false;
  if (renameat2(AT_FDCWD, terminated(a), AT_FDCWD, terminated(b), RENAME_EXCHANGE) === 0) return true;
  const error = lastError('renameat2', a);
  if (isUnsupported(error)) return false;
  throw error;
}

/**
 * Sets the modification time of what the path names and leaves the access time (without the call: sets it to now). A symlink
 * is not followed, unless `follow`: that is for `/proc/self/fd/N`, which stands for one inode whatever its names do.
 */
export function setMtime(path: Buffer, seconds: number, nanos: number, follow = false): void {
  const { utimensat } = libc().calls;
  if (utimensat === undefined) {
    (follow ? utimesSync : lutimesSync)(path, Date.now() / 1000, seconds + nanos / 1e9);
    return;
  }
  const times = new BigInt64Array([0n, BigInt(UTIME_OMIT), BigInt(seconds), BigInt(nanos)]);
  if (utimensat(AT_FDCWD, terminated(path), times, follow ? 0 : AT_SYMLINK_NOFOLLOW) !== 0) throw lastError('utimensat', path);
}

/** Whether statxAt is of use: directories need not be opened for nothing. */
export function hasStatx(): boolean {
  return libc().calls.statx !== undefined;
}

/**
 * What stands under a name in an open directory, a link not followed, as a struct statx. `name` ends with a NUL byte, `into` has STATX_BYTES. False if there is no such call, or if it failed for whatever
 * reason: to lstat its path says why.
 */
export function statxAt(directory: number, name: Uint8Array, into: Uint8Array): boolean {
  return libc().calls.statx?.(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, into) === 0;
}

/** Flushes the file system that holds an open file. False if it cannot, and every file needs an fsync of its own. */
export async function syncFilesystem(fd: number): Promise<boolean> {
  const { syncfs } = libc().calls;
  if (syncfs === undefined) return false;
  return new Promise((resolve) => {
    syncfs.async(fd, (error, result) => resolve(error === null && result === 0));
  });
}

/** An exclusive lock for as long as the file is open. False: another process has it. undefined: no such locks here. */
export function lockFile(fd: number): boolean | undefined {
  const { flock } = libc().calls;
  if (flock === undefined) return undefined;
  if (flock(fd, LOCK_EX_NB) === 0) return true;
  const error = lastError('flock', undefined);
  if (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK') return false;
  if (error.code === 'ENOLCK' || isUnsupported(error)) return undefined;
  throw error;
}

/**
 * As write(2) at an offset, on a thread, but the pages are on their way to the disk when it resolves, and leave the page cache when they are there. Resolves with the
 * bytes written; undefined if nothing was, for whatever reason: to write them in the usual way says why. Costs one request to the disk a call: for large pieces.
 */
export function writeUncached(fd: number, bytes: Uint8Array, offsetBytes: number): Promise<number | undefined> {
  const { pwritev2 } = libc().calls;
  if (pwritev2 === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    pwritev2.async(fd, { base: bytes, len: bytes.byteLength }, 1, offsetBytes, RWF_DONTCACHE, (error, written) => resolve(error === null && written >= 0 ? written : undefined));
  });
}

export function makeFifo(path: Uint8Array): void {
  const { mkfifo } = libc().calls;
  if (mkfifo === undefined || mkfifo(terminated(path), 0o600) !== 0) throw lastError('mkfifo', path);
}

export function makeDevice(path: Uint8Array, type: 'char-device' | 'block-device', major: number, minor: number): void {
  const { mknod } = libc().calls;
  const mode = (type === 'char-device' ? S_IFCHR : S_IFBLK) | 0o600;
  if (mknod === undefined || mknod(terminated(path), mode, deviceNumber(major, minor)) !== 0) throw lastError('mknod', path);
}

/** glibc's makedev(3), major(3) and minor(3): 12 + 20 bits in their places, the rest above. */
export function deviceNumber(major: number, minor: number): bigint {
  const [ma, mi] = [BigInt(major), BigInt(minor)];
  return ((ma & 0xfffff000n) << 32n) | ((ma & 0xfffn) << 8n) | ((mi & 0xffffff00n) << 12n) | (mi & 0xffn);
}

export function splitDeviceNumber(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn)),
    minor: Number(((device >> 12n) & 0xffffff00n) | (device & 0xffn)),
  };
}

function terminated(path: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(path.byteLength + 1);
  bytes.set(path);
  return bytes;
}

/** A kernel or file system that does not know the call or a flag. Node names Linux's EOPNOTSUPP by its other name. */
function isUnsupported({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EINVAL' || code === 'ENOSYS' || code === 'ENOTSUP';
}

function lastError(call: string, path: Uint8Array | undefined): NodeJS.ErrnoException {
  const errno = libc().errno();
  const code = errno === 0 ? 'ENOSYS' : getSystemErrorName(-errno);
  const where = path === undefined ? '' : ` '${Buffer.from(path).toString()}'`;
  return Object.assign(new Error(`${code}: ${call}${where}`), { code, errno: -errno, syscall: call });
}
