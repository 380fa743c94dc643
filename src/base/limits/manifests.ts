/** Bounds of manifests, of names and trees in them, and of exported layers (docs/formats.md). */
import { KiB, MiB } from '../units.ts';
import { CHUNK_BYTES_MAX } from './frames.ts';

export const NODE_BYTES_MAX = 1 * MiB;
export const NODE_ENTRIES_MAX = 4096;
/** A builder ends a node at the latest here; a reader accepts more (NODE_ENTRIES_MAX, NODE_BYTES_MAX). */
export const NODE_SPLIT_ENTRIES = 1024;
export const NODE_SPLIT_BYTES = 64 * KiB;
/** Pieces that stand in a file's entry itself; with more, a chunk list of its own. */
export const INLINE_PIECES_MAX = 16;
/** Chunks of one file: 16 TiB (the largest file of ext4) in chunks of 64 KiB. */
export const FILE_CHUNKS_MAX = 2 ** 28;
/** Different chunks of one manifest: what a reader keeps in memory to name each once, about 50 bytes each. */
export const MANIFEST_CHUNKS_MAX = 4 * 1024 * 1024;
/** Decoded nodes that a reader keeps for lookups, and the memory of these; the last one is kept whatever it takes. Usually some hundred kilobytes: keys that are long and nearly the same make it more. */
export const NODES_KEPT_MAX = 32;
export const NODES_KEPT_BYTES_MAX = 8 * MiB;
/** Memory of decoded nodes that an update keeps, since it goes through two manifests several times: room for those of two trees of 90,000 files each. */
export const UPDATE_NODES_KEPT_BYTES_MAX = 32 * MiB;
/** Holes of one sparse file: so that an entry always fits a node. */
export const FILE_HOLES_MAX = 4096;
/** Levels above the leaves; 16 levels of fan-out 2 would already hold more nodes than any disk. */
export const MANIFEST_DEPTH_MAX = 16;
export const MANIFEST_ENTRIES_MAX = 50_000_000;
/** A manifest's nodes all together, when they arrive from somewhere else. */
export const MANIFEST_BYTES_MAX = 8 * 1024 * MiB;
/** An exported layer: the chunks of the largest manifest, and its nodes. */
export const LAYER_CAR_BYTES_MAX = MANIFEST_CHUNKS_MAX * CHUNK_BYTES_MAX + MANIFEST_BYTES_MAX;
/** What an export says of itself: names of the layer and of HAVE_ROOTS_MAX bases. */
export const EXPORT_RECORD_BYTES_MAX = 16 * KiB;
/** Chunks that an export fetches in one go, and how many goes are under way. They are held until they are written in order. */
export const EXPORT_BATCH_BYTES = 8 * MiB;
export const EXPORT_BATCHES_MAX = 2;
/** A CAR's header: a version and some roots. */
export const CAR_HEADER_BYTES_MAX = 4 * KiB;
/** NAME_MAX and PATH_MAX of Linux, limits.h. */
export const NAME_BYTES_MAX = 255;
export const PATH_BYTES_MAX = 4096;
export const LINK_TARGET_BYTES_MAX = 4095;
export const XATTRS_BYTES_MAX = 64 * KiB;
export const DESCRIPTOR_BYTES_MAX = 1 * MiB;
/** Characters of a layer's name and of its version. */
export const LAYER_NAME_CHARS_MAX = 200;
export const LAYER_VERSION_CHARS_MAX = 100;
