/** Bounds of a publish. */
import { MiB } from '../units.ts';

/** Bytes of blocks in one question about what is missing, and how many such questions are under way. */
export const PUBLISH_BATCH_BYTES = 4 * MiB;
export const PUBLISH_BATCHES_MAX = 3;
/** Frames that travel in one upload, and uploads under way. When the last of the tree has been read, an upload that waits for more is what the core still has before it. */
export const UPLOAD_BYTES_TARGET = 2 * MiB;
export const PUBLISH_UPLOADS_MAX = 4;
