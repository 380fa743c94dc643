/** Bounds of repacking for the WAN. */
import { KiB, SECOND_MS } from '../units.ts';

/** What a repacked frame may take as stored, by what its chunks take in the frames where they stood: a higher level makes it less. */
export const REPACK_STORED_BYTES_TARGET = 1152 * KiB;
/** Frames that are planned at a time: one for each earlier commit whose chunks a layer uses. */
export const REPACK_GENERATIONS_MAX = 64;
/** Chunks located in one go. */
export const REPACK_BATCH_CHUNKS = 1024;
/** Layers that count as fetched lately. */
export const REPACK_FETCHED_MAX = 64;
/** Layers that may wait because somebody asked for them. */
export const REPACKS_ASKED_MAX = 10_000;
export const REPACK_RETRY_MS = 600 * SECOND_MS;
