/** Bounds of capturing and applying trees. */
import { KiB, MiB } from '../units.ts';

/** Entries of a manifest that are gone through together, at least; those of the last leaf are not parted. Waking a thread takes as long as looking at dozens of files. */
export const ENTRIES_TOGETHER = 1024;
/** Synchronous work on a tree lets the event loop turn after this long: nothing else in the process waits longer. */
export const EVENT_LOOP_TURN_MS = 10;
/** Entries of any type from a bundle's first file on, until it is closed for want of a hit (docs/formats.md): they wait in memory for its digest. */
export const BUNDLE_SPAN_ENTRIES_MAX = 65_536;
/** Entries of a tree that are listed before the bytes of the first are needed: in batches of so many, or as many as there is memory for. */
export const READ_AHEAD_ENTRIES = 1024;
export const READ_AHEAD_BATCHES = 4;
/** Of one batch: the bytes of its files. 512 files of usual small ones, and at least one of the largest. */
export const READ_AHEAD_BATCH_BYTES = 4 * MiB;
/** Of one batch: the keys of its entries. Of the longest that there are, a batch has 32. */
export const READ_AHEAD_KEYS_BYTES = 128 * KiB;
/** So many files of a batch are read first, and tell whether the disk is waited for: files in memory take some 10 microseconds each, others 60 and more. */
export const READ_AHEAD_PROBES = 32;
export const READ_AHEAD_WAIT_MICROS = 50;
/** Threads that read then, beside the one that walks and the one that takes what is read. */
export const READ_AHEAD_WORKERS = 2;
/** Paths that a capture lists as skipped, or a verification as different; both count all. */
export const LISTED_PATHS_MAX = 1000;
/** Places of chunks in an old tree that are kept in mind for deltas: some hundred bytes each. Those of a larger tree are not all used. */
export const OLD_PLACES_MAX = 524_288;
/** Nodes that a source may send although nobody named them (it may know less of what we have than we do). */
export const MANIFEST_UNASKED_BYTES_MAX = 256 * MiB;
/** Nodes that are gathered for one write. */
export const NODE_BATCH_BYTES_MAX = 1 * MiB;
/** New files that a stage keeps open while chunks arrive: a chunk shared by many small files opens each once. */
export const STAGED_FILES_OPEN_MAX = 64;
/** Chunks that the old tree had that are written in one go, while the next are read: as many as a frame has, and at least one of the largest. */
export const SEED_TOGETHER_BYTES = 1 * MiB;
/** Places in the old tree that are read before they are looked at; from this length on by Node's own threads, which costs some 50 microseconds. */
export const SEED_READS_AHEAD = 8;
export const SEED_READ_ON_THREAD_BYTES_MIN = 32 * KiB;
/** Pieces of new files that are written at a time, by Node's own threads. */
export const STAGE_WRITES_TOGETHER = 4;
/** Threads that look at, make and link files, and pieces of such work under way at a time. */
export const INODE_WORKERS = 2;
export const INODE_JOBS_AHEAD = 4;
/** Entries of a tree that are looked at by their paths before directories are opened for it: to load what that takes is worth so many. And how many directories are kept open, one in the other: of a deeper tree they are closed and opened again. */
export const LOOKS_BY_PATH = 4096;
export const LOOKS_DIRECTORIES_MAX = 64;
/** Small files that are made in one go: those of a few bundles, so that several threads have some of each frame. */
export const SMALL_FILES_TOGETHER = 128;
/** Files that are looked at, made or linked before threads are started for it: they take as long as starting the threads does. */
export const INODES_DONE_HERE = 4096;
/** Names that are removed in one go. Each may have to wait for the disk to discard its blocks. */
export const UNLINKS_TOGETHER = 512;
/** Entries of a directory tree that are looked at before they are compared with a manifest. */
export const WALKED_TOGETHER = 64;
/** Pieces from this length on are written past the page cache: each sets off a request to the disk, which costs more than what it saves for smaller ones. */
export const UNCACHED_WRITE_BYTES_MIN = 32 * KiB;
/** How long ago, at least, an inode must have changed for its change time to prove that nothing changed since: some ticks of the kernel's clock. */
export const CHANGE_TIME_GRAIN_MS = 20;
/** What a capture keeps of a tree for the next one, in a file and twice in memory meanwhile: about 700,000 files. */
export const CAPTURE_CACHE_BYTES_MAX = 64 * MiB;
