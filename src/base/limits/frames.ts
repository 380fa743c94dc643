/** Bounds of chunks, frames and packs (docs/formats.md). */
import { MiB } from '../units.ts';

/** No chunk of any chunker parameters is larger than this. */
export const CHUNK_BYTES_MAX = 1 * MiB;
/** Memory into which files are read for cutting: room for the tail of one block, which is less than a chunk, and a large read after it. */
export const CUT_BUFFER_BYTES = 4 * MiB;
/** Raw bytes at which a frame is closed; one chunk may overshoot it. */
export const FRAME_RAW_BYTES_TARGET = 1 * MiB;
/** A frame's raw bytes never exceed this; larger frames are refused before they are decompressed. */
export const FRAME_RAW_BYTES_MAX = 8 * MiB;
export const FRAME_CHUNKS_MAX = 65_535;
/** Header and table and payload: what a frame may weigh when it is stored or sent. */
export const FRAME_STORED_BYTES_MAX = 12 * MiB;
export const PACK_BYTES_TARGET = 64 * MiB;
