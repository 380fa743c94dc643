/** Bounds of a publish. */
import { MiB } from '../units.ts';

/** Bytes of blocks in one question about what is missing, and how many such questions are under way. */
export const PUBLISH_BATCH_BYTES = 4 * MiB;
export const PUBLISH_BATCHES_MAX = 3;
/** Frames that travel in one upload, and uploads under way. */
export const UPLOAD_BYTES_TARGET = 4 * MiB;
export const PUBLISH_UPLOADS_MAX = 3;
