/** Bounds of deltas: how they are made, kept, asked for and taken (docs/formats.md, "Delta frame"). */
import { KiB, MiB, SECOND_MS } from '../units.ts';

/** New chunks are gathered for one delta until they have so many raw bytes; one chunk may overshoot it. */
export const DELTA_RAW_BYTES_TARGET = 1 * MiB;
/** A delta frame's raw bytes, and the bytes of its base, never exceed these; others are refused before anything is read for them. */
export const DELTA_RAW_BYTES_MAX = 4 * MiB;
export const DELTA_BASE_BYTES_MAX = 4 * MiB;
export const DELTA_CHUNKS_MAX = 4096;
export const DELTA_BASE_CHUNKS_MAX = 4096;
/** 2^23 bytes: base and chunks together. A hostile payload cannot ask for a larger window. */
export const DELTA_WINDOW_LOG_MAX = 23;
/** A section of a delta of differences may take so many bytes more than there are new ones. */
export const DIFFERENCES_SPARE_BYTES = 32;
/** Old bytes that are looked through for a delta. What is of no use to it is left out again: only looking costs. */
export const DELTA_BASE_BYTES_TARGET = 4 * MiB;
/** The widest margin around the place where old bytes are expected; no wider than what is new, and narrower where the base would leave its target. */
export const DELTA_MARGIN_BYTES = 1 * MiB;
export const DELTA_LIKE_MARGIN_BYTES = 64 * KiB;
/** A delta is kept if it takes at most this share of what its chunks take as they are stored. */
export const DELTA_KEPT_SHARE_MAX = 0.7;
/** Chunks by which two versions may differ, on either side: about 8 GiB. Beyond it no deltas are made. */
export const DELTA_PLAN_CHUNKS_MAX = 131_072;
/** Frames that a maker of deltas keeps decoded: those around a place in the old file and in the new one. */
export const DELTA_DECODED_FRAMES_MAX = 12;
/** Four of the largest. */
export const DELTA_DECODED_BYTES_MAX = 32 * MiB;
/** Chunks that it locates in one question, which another thread answers in one go. */
export const DELTA_LOCATE_DIGESTS = 4096;
/** Pairs of versions that wait for their deltas to be made; a further one is answered busy. */
export const DELTA_MAKES_WAITING_MAX = 8;
/** Sets of deltas of which the core keeps in memory what is where. */
export const DELTA_SETS_LOADED_MAX = 8;
/** First read of a frame of a stored set: the header of a usual one. */
export const DELTA_SET_HEADER_READ_BYTES = 4 * KiB;
/** Answers with deltas under way, each of which holds a file open and a frame; others are told to take the chunks themselves. */
export const DELTA_ANSWERS_MAX = 64;
/** An answer with deltas ends when none came for this long: the chunks themselves come sooner then. Less than WAN_STALL_TIMEOUT_MS. */
export const DELTA_PATIENCE_MS = 10 * SECOND_MS;
/** Versions of a layer that a reflector looks at for one that it holds, and the share of its chunks that must be there: others may have been evicted. */
export const DELTA_OTHER_VERSIONS_MAX = 4;
export const DELTA_HELD_SHARE_MIN = 0.95;
/** Updates of layers that a reflector keeps in mind, with up to DELTA_PLAN_CHUNKS_MAX digests each. */
export const DELTA_UPDATES_MAX = 4;
/** Versions of which it keeps in mind that there is none, and why, with a few digests each: finding out reads manifests, and every endpoint asks. */
export const DELTA_NO_UPDATES_MAX = 256;
/** How long an answer with deltas waits until its last frame is stored, and how often it looks. */
export const DELTA_STORED_WAIT_MS = 2 * SECOND_MS;
export const DELTA_STORED_POLL_MS = 5;
/** Deltas whose base is not here after all, before the rest of an answer is given up: each was sent for nothing. */
export const DELTA_MISSES_MAX = 3;
/** A core that knows of no deltas, or sent wrong ones, is not asked for any for this long. */
export const DELTAS_OFF_MS = 600 * SECOND_MS;
