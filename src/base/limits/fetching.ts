/** Bounds of fetching chunks from sources, in a reflector and on an endpoint. */
import { SECOND_MS } from '../units.ts';
import { HAVE_ROOTS_MAX } from './wan.ts';

/** Chunks that may wait for the WAN at a time; a further want is answered busy. About 8 MiB of bookkeeping. */
export const FETCH_QUEUE_DIGESTS_MAX = 65_536;
/**
 * Chunks asked for in one call to a source: about 256 MiB of chunks. A frame on the border of two batches may travel in both: with 256 it
 * cost 3 % of the WAN bytes of a layer, with 4096 no byte of the same layer travelled twice.
 */
export const FETCH_BATCH_DIGESTS_MAX = 4096;
/** Batches under way at a time, so that one is located while another flows. */
export const FETCH_BATCHES_MAX = 2;
/** Frames of a batch that may wait for the disk. */
export const FETCH_PUTS_MAX = 4;
/** Pauses between tries of sources that failed: doubling from the first to the last. */
export const SOURCE_BACKOFF_FIRST_MS = 500;
export const SOURCE_BACKOFF_LAST_MS = 10 * SECOND_MS;
/** A source that sent a wrong byte is not asked again for this long. */
export const SOURCE_QUARANTINE_MS = 600 * SECOND_MS;
/** Roots that a reflector names to the core as `have`, and keeps in mind as whole. */
export const MANIFESTS_KNOWN_MAX = HAVE_ROOTS_MAX;
/** Chunks of a layer that a prefetch keeps wanted at a time: enough to fill the WAN, few enough to let endpoints in between. */
export const PREFETCH_WINDOW_DIGESTS_MAX = FETCH_BATCH_DIGESTS_MAX;
/** Chunks that are fetched while the first endpoint plans: one batch, 60 MB of a usual layer as it travels. */
export const FORESIGHT_DIGESTS_MAX = FETCH_BATCH_DIGESTS_MAX;
/** Stored chunks that are gathered before their frames are sent. */
export const SELECT_RUN_DIGESTS_MAX = 1024;
