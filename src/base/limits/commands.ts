/** Bounds of what single commands do. */
import { KiB, MiB, SECOND_MS } from '../units.ts';
import { PATH_BYTES_MAX } from './manifests.ts';

/** How often the CLI looks how far repacking is. */
export const REPACK_POLL_MS = 500;
/** How often the CLI looks how far a scrub is. */
export const SCRUB_POLL_MS = 500;
/** `doctor` warns of less room for a data directory, and of clocks further apart. */
export const DISK_FREE_BYTES_MIN = 1024 * MiB;
export const CLOCK_SKEW_MS_MAX = 60 * SECOND_MS;
/** Manifest nodes that a command keeps in memory; more are fetched when they are needed. */
export const MANIFEST_READ_AHEAD_BYTES_MAX = 256 * MiB;
/** Memory of the nodes of each manifest that are kept decoded while it is looked at: commands go through one several times. */
export const MANIFEST_NODES_KEPT_BYTES_MAX = 32 * MiB;
/** `layer pull`, where a person waits: when the core is asked although reflectors are named, and when it is given up. */
export const PULL_CORE_AFTER_MS = 10 * SECOND_MS;
export const PULL_GIVE_UP_MS = 60 * SECOND_MS;
/** Small files of which `layer diff` compares bytes at a time: two chunks each, 32 MiB in all at the default parameters. */
export const COMPARED_FILES_MAX = 64;
/** Changes among which `layer diff` looks for renames: about 128 MiB of entries. */
export const RENAME_WINDOW_CHANGES_MAX = 131_072;
/** Parts of a path by which files of the same content are told apart. */
export const RENAME_PARTS_COMPARED_MAX = 32;
/** How deep `layer diff` sums up directories: no path has more parts. */
export const DIRECTORY_DEPTH_MAX = PATH_BYTES_MAX / 2;
/** The block of a disk that `layer plan` does not know: that of ext4 and XFS where nobody chose another. */
export const PLAN_BLOCK_BYTES = 4 * KiB;
/** Endpoints that `layer plan` reads from a file, and the bytes of that. */
export const PLAN_ENDPOINTS_MAX = 100_000;
export const PLAN_ENDPOINTS_BYTES_MAX = 64 * MiB;
/** Characters of an endpoint's name there. */
export const PLAN_ENDPOINT_NAME_CHARS_MAX = 255;
/** Names of endpoints in one line of the plan; the rest are counted. */
export const PLAN_NAMES_SHOWN_MAX = 2;
