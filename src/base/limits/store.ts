/** Bounds of a chunk store, its index and its threads. */
import { KiB, MiB, SECOND_MS } from '../units.ts';

/** Under a quota, packs are made small enough that there are so many of them: eviction takes a pack at a time. */
export const PACKS_UNDER_QUOTA = 32;
/** Smaller packs would hold hardly more than a frame. */
export const PACK_BYTES_MIN = 1 * MiB;
/** Below this share of pinned bytes a pack is not kept for their sake: they move to a new one. */
export const PACK_PINNED_SHARE_MIN = 0.25;
/** A pack of a store without a quota goes when less of its frames' raw bytes is still found there. What is, is copied: at most three bytes for one that is freed. */
export const PACK_FOUND_SHARE_MIN = 0.75;
/** Frames that one fdatasync makes durable: more would only delay the first put of the group. */
export const PUT_GROUP_BYTES_MAX = 32 * MiB;
/** Left free on the disk at any time: what LevelDB may need to merge its tables, and for logs. */
export const DISK_RESERVE_BYTES = 16 * MiB;
/** What LevelDB may write when it is opened: a table of its log (4 MiB at most), a new log, a new manifest. */
export const INDEX_OPEN_BYTES = 8 * MiB;
/** LevelDB's block cache. Lookups are random, so a larger one hardly helps; the system's page cache holds the rest. */
export const INDEX_CACHE_BYTES = 16 * MiB;
/** LevelDB's blocks: large ones keep its index of blocks small, and a lookup searches a block without copying it. */
export const INDEX_BLOCK_BYTES = 16 * KiB;
/** Entries of a block between two whole keys: the others leave out what they share with the one before. */
export const INDEX_RESTART_INTERVAL = 32;
/** Frames kept decompressed: chunks of one frame are mostly read one after the other. */
export const DECODED_FRAMES_BYTES_MAX = 8 * MiB;
/** Frames as stored that a store keeps in memory for whoever wants the same ones a moment later. */
export const STORED_FRAMES_BYTES_MAX = 8 * MiB;
/** How long a put waits for readers to leave the last packs that could be evicted for it. */
export const EVICTION_WAIT_MS = 2 * SECOND_MS;
/** Frames read and decompressed for single chunks at a time: each takes up to FRAME_STORED_BYTES_MAX and FRAME_RAW_BYTES_MAX. */
export const FRAME_READS_MAX = 4;
/** A worker thread that has not ended by itself so long after it was told to is terminated. */
export const WORKER_END_TIMEOUT_MS = 10 * SECOND_MS;
/** Threads that compress and verify frames, and frames that wait for or are with each of them; another is started when they are that many. Those of one question of a publish are no reason to. */
export const FRAME_WORKERS_MAX = 16;
export const FRAMES_PER_WORKER = 4;
/** Threads of a daemon for frames that are put or asked for: they work beside what else the machine has to do. */
export const STORE_WORKERS_MAX = 4;
/** A frame of so few raw bytes is verified in less time than it takes to hand it to a thread. */
export const VERIFY_HERE_BYTES_MAX = 16 * KiB;
/** A pack is read for others in pieces of this size. */
export const PACK_READ_BYTES = 256 * KiB;
