/** Bounds of the WAN API, on either side (docs/protocols.md). */
import { KiB, MiB, SECOND_MS } from '../units.ts';

/** Digests in one request (missing, locate, chunks). */
export const REQUEST_DIGESTS_MAX = 8192;
/** Bytes of frames in one upload request. */
export const UPLOAD_BYTES_MAX = 32 * MiB;
/** A coalesced range of frames, which one request fetches. */
export const RANGE_BYTES_TARGET = 4 * MiB;
export const WAN_CONNECTIONS_MAX = 6;
export const WAN_CONNECT_TIMEOUT_MS = 10 * SECOND_MS;
/** No byte for this long: the request is dead. Long enough for a 64 kbit/s line with a full queue. */
export const WAN_STALL_TIMEOUT_MS = 30 * SECOND_MS;
export const WAN_RETRIES_MAX = 5;
/** `have` roots named in one manifest request. */
export const HAVE_ROOTS_MAX = 16;
/** Pauses between tries of one request: doubling from the first to the last, half of each at random. */
export const WAN_BACKOFF_FIRST_MS = 250;
export const WAN_BACKOFF_LAST_MS = 8 * SECOND_MS;
/** Ranges that one fetch has under way: enough to fill a line of 50 ms and 1 Gbit/s, few enough to leave connections for others. */
export const WAN_RANGES_MAX = 4;
/** Bytes of ranges that one fetch has asked for and its consumer has not taken. A started range is always read to its end, so that no paused consumer holds a connection. */
export const WAN_WINDOW_BYTES = 6 * MiB;
/** Digests in one question where chunks are: the answer comes soon, and the next is asked while ranges flow. */
export const LOCATE_DIGESTS = 2048;
/** Unwanted bytes between two frames that cost less than the headers of another request. */
export const RANGE_GAP_BYTES_MAX = 1 * KiB;
/** A commit makes the core walk the whole manifest before it answers. */
export const COMMIT_TIMEOUT_MS = 600 * SECOND_MS;
/** A JSON body, of a request. */
export const REQUEST_JSON_BYTES_MAX = 64 * KiB;
/** An answer that is read whole: JSON, bitmaps, frame lists, one block. */
export const ANSWER_BYTES_MAX = 16 * MiB;
/** Layers in one answer; the cursor leads to the next. */
export const LAYERS_PER_ANSWER_MAX = 1000;
/** Callers that wait for a new layer at a time: every reflector and agent of a large fleet's sites. */
export const CHANGES_WAITERS_MAX = 10_000;
/** Uploads that the core takes in at a time, each of which holds a few frames; and those that may wait for a turn. */
export const UPLOADS_MAX = 2;
export const UPLOADS_WAITING_MAX = 64;
/** Answers that recompress chunks, which costs CPU, at a time; and those that may wait for a turn. */
export const CHUNK_ANSWERS_MAX = 2;
export const CHUNK_ANSWERS_WAITING_MAX = 256;
/** Commits that may wait for the one under way. */
export const COMMITS_WAITING_MAX = 16;
export const CORE_CONNECTIONS_MAX = 12_000;
/** What reports in and is named by callers is bounded, since they can say anything. */
export const SITES_MAX = 1000;
export const SITE_NAME_CHARS_MAX = 64;
export const SITE_MEMBERS_MAX = 5000;
export const MEMBER_REPORT_BYTES_MAX = 16 * KiB;
