/** Bounds of daemons and of their APIs on this machine. */
import { KiB, MiB, SECOND_MS } from '../units.ts';

/** A configuration file; the largest real one is some kilobytes. */
export const CONFIG_BYTES_MAX = 1 * MiB;
/** A daemon's own API on this machine answers at once or not at all. */
export const LOCAL_API_TIMEOUT_MS = 10 * SECOND_MS;
/** Work in flight gets this long after a first SIGTERM or Ctrl-C. */
export const SHUTDOWN_GRACE_MS = 5 * SECOND_MS;
/** Long poll for new layers. */
export const CHANGES_WAIT_MS_MAX = 30 * SECOND_MS;
/** Resident memory that a daemon must stay under while a layer of any size passes through. */
export const DAEMON_RSS_BYTES_MAX = 300 * MiB;
/** A JSON request to a reflector's or agent's own API. */
export const API_REQUEST_BYTES_MAX = 64 * KiB;
/** Answers under way get this long when a daemon stops; less than SHUTDOWN_GRACE_MS. */
export const API_CLOSE_GRACE_MS = 3 * SECOND_MS;
/** Digests that the status of a scrub lists; it counts all. */
export const SCRUB_DROPPED_LISTED_MAX = 1000;
