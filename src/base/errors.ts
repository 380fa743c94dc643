/**
 * The one table of errors. A code is stable: scripts and dashboards match on it, so a code is never renamed or reused.
 * `docs/errors.md` is generated from this table, and a test holds the table, the docs and the throw sites together.
 */

/**
 * What a caller may do about an error.
 * - `never`: the same call gives the same error until a person changes something.
 * - `later`: the same call may succeed after a pause.
 * - `other-source`: this source cannot help; another source may, at once.
 */
export type RetryClass = 'never' | 'later' | 'other-source';

export interface ErrorKind {
  readonly retry: RetryClass;
  /** Status with which an HTTP API reports it. */
  readonly http: number;
  /** Exit code of the CLI: 1 failed, 2 usage or config, 3 partial, 130 cancelled. */
  readonly exit: 1 | 2 | 3 | 130;
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What a person can do about it. */
  readonly advice: string;
}

export const ERRORS = {
  // -- calls and configuration
  BC_USAGE: kind('never', 400, 2, 'The command or request is not well formed.', 'Read the message and `--help`.'),
  BC_CONFIG_INVALID: kind('never', 400, 2, 'A configuration value is unknown, missing or out of range.', 'Run `branchcast config check` and mend the named key.'),
  BC_CANCELLED: kind('never', 499, 130, 'The operation was cancelled.', 'Run it again: finished work is kept.'),
  BC_TIMEOUT: kind('later', 504, 1, 'A deadline passed with no answer.', 'Check the other side and the network, then try again.'),
  BC_INTERNAL: kind('never', 500, 1, 'A bug in branchcast.', 'Report it with the message and the log.'),
  BC_UNSUPPORTED_NODE: kind('never', 500, 2, 'This version of Node.js is too old.', 'Use Node.js 24 or later; `npm ci` in the project brings one.'),
  BC_PLATFORM: kind('never', 500, 1, 'The operating system refused or lacks a call that is needed.', 'Run `branchcast doctor`.'),

  // -- data that cannot be believed
  BC_CHUNK_CORRUPT: kind('other-source', 502, 1, 'Bytes do not match the digest that names them.', 'Nothing was written; another source is tried. If it repeats, check the named source.'),
  BC_FRAME_MALFORMED: kind('other-source', 422, 1, 'A frame breaks its format or its bounds.', 'Nothing was written; another source is tried. If it repeats, check the named source.'),
  BC_MANIFEST_MALFORMED: kind('other-source', 422, 1, 'A manifest breaks its format, its order or its bounds.', 'The layer cannot be used as it is: publish it again.'),
  BC_MANIFEST_UNSAFE: kind('never', 422, 1, 'A manifest names a path that could leave its target directory.', 'Do not use this layer; find out who published it.'),
  BC_MANIFEST_INCOMPLETE: kind('later', 409, 1, 'A manifest refers to nodes or chunks that are not stored.', 'Publish again: only what is missing is uploaded.'),
  BC_DESCRIPTOR_MALFORMED: kind('other-source', 422, 1, 'A layer descriptor breaks its format.', 'Publish the layer again with this version.'),
  BC_EXPORT_MALFORMED: kind('never', 422, 1, 'The file of an exported layer breaks its format, or is cut off.', 'Nothing of it is visible. Copy the file again and compare; else export the layer again.'),
  BC_FORMAT_VERSION: kind('never', 422, 1, 'The data was written by a newer version of branchcast.', 'Upgrade this side.'),
  BC_PROTOCOL: kind('other-source', 502, 1, 'The other side broke the protocol.', 'Check that both sides run compatible versions.'),

  // -- what is not there
  BC_LAYER_NOT_FOUND: kind('later', 404, 1, 'No such layer.', 'List what there is with `branchcast layer list`.'),
  BC_CHUNK_NOT_FOUND: kind('other-source', 404, 1, 'The source does not hold the chunk.', 'Another source is tried; if none has it, publish the layer again.'),
  BC_PACK_NOT_FOUND: kind('later', 404, 1, 'No such pack.', 'Ask again where the chunk is: packs move when a store is compacted.'),
  BC_RANGE_UNSATISFIABLE: kind('later', 416, 1, 'The range is not within the pack.', 'Ask again where the chunk is: packs move when a store is compacted.'),
  BC_SITE_NOT_FOUND: kind('never', 404, 1, 'No such site.', 'List sites with `branchcast site list`.'),
  BC_NOT_FOUND: kind('never', 404, 1, 'No such thing here.', 'Check the address.'),

  // -- state that forbids it
  BC_LAYER_EXISTS: kind('never', 409, 1, 'This name and version is taken by another content.', 'Publish under a new version.'),
  BC_TARGET_NOT_OWNED: kind('never', 409, 1, 'The target directory holds files that branchcast did not put there.', 'Choose an empty directory, or pass --adopt to let branchcast replace it.'),
  BC_TARGET_BUSY: kind('later', 409, 1, 'Another process works on this directory.', 'Wait for it, or end it.'),
  BC_STORE_LOCKED: kind('later', 409, 1, 'Another process has the store open.', 'Stop the other daemon, or give this one a directory of its own.'),
  BC_STORE_CLOSED: kind('later', 503, 1, 'The store has been closed.', 'The daemon is stopping; try again when it has started.'),
  BC_STORE_DAMAGED: kind('never', 500, 1, 'The store on disk cannot be read.', 'Run `branchcast cache scrub`; the index is rebuilt from the packs.'),
  BC_TREE_CHANGED: kind('never', 409, 1, 'A file changed while it was read.', 'Publish from a tree at rest.'),
  BC_TREE_UNREADABLE: kind('never', 422, 1, 'A file of the tree cannot be read.', 'Check its permissions, or leave it out.'),

  // -- room
  BC_DISK_FULL: kind('later', 507, 1, 'The disk lacks the room that is needed.', 'Free at least the shortfall that the message names; the work goes on where it stopped.'),
  BC_QUOTA_EXCEEDED: kind('later', 507, 1, 'The quota of the store leaves no room, and what is in it is pinned or in use.', 'Raise the quota or unpin layers.'),
  BC_BUSY: kind('later', 503, 1, 'The other side has as much work as it accepts.', 'Try again after the named pause.'),
  BC_LIMIT_EXCEEDED: kind('never', 413, 1, 'A message or request is larger than its bound.', 'Send less at a time.'),

  // -- the network
  BC_CORE_UNREACHABLE: kind('later', 503, 1, 'The core does not answer.', 'Check its address and the WAN; the cache goes on serving.'),
  BC_REFLECTOR_UNREACHABLE: kind('later', 503, 1, 'No reflector of the site answers.', 'Check the configured addresses; policy decides whether the core may be used.'),
  BC_CONNECTION_LOST: kind('later', 503, 1, 'A connection ended in the middle.', 'It is resumed by itself; if it repeats, check the network.'),
  BC_NO_SOURCE: kind('later', 503, 1, 'No source is left that could supply what is missing.', 'See the causes in the message, one for each source.'),
  BC_ADDRESS_IN_USE: kind('never', 500, 2, 'The listen address is taken or cannot be bound.', 'Choose another address or stop the other process.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

function kind(retry: RetryClass, http: number, exit: ErrorKind['exit'], meaning: string, advice: string): ErrorKind {
  return { retry, http, exit, meaning, advice };
}

/** Machine-readable facts about one occurrence: names, counts, byte figures. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

export class BranchcastError extends Error {
  override readonly name = 'BranchcastError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /** `message` says what happened to what, with the names and figures a person needs; `cause` is always kept. */
  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return ERRORS[this.code];
  }
}

export function hasCode(error: unknown, code: ErrorCode): error is BranchcastError {
  return error instanceof BranchcastError && error.code === code;
}

/**
 * Any thrown value as a BranchcastError: aborts become BC_CANCELLED or BC_TIMEOUT, a full disk BC_DISK_FULL, and what
 * nobody foresaw `otherwise` (BC_INTERNAL by default).
 */
export function asBranchcastError(thrown: unknown, otherwise: ErrorCode = 'BC_INTERNAL'): BranchcastError {
  if (thrown instanceof BranchcastError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error.name === 'AbortError') {
    return error.cause instanceof BranchcastError ? error.cause : new BranchcastError('BC_CANCELLED', 'cancelled', { cause: thrown });
  }
  if (error.name === 'TimeoutError') return new BranchcastError('BC_TIMEOUT', error.message, { cause: thrown });
  const system = (error as NodeJS.ErrnoException).code;
  if (system === 'ENOSPC' || system === 'EDQUOT') return new BranchcastError('BC_DISK_FULL', error.message, { cause: thrown });
  if (system === 'EADDRINUSE' || system === 'EADDRNOTAVAIL') return new BranchcastError('BC_ADDRESS_IN_USE', error.message, { cause: thrown });
  return new BranchcastError(otherwise, error.message, { cause: thrown });
}

/** Throws BC_CANCELLED (or the signal's own BranchcastError) if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw asBranchcastError(signal.reason ?? new DOMException('cancelled', 'AbortError'));
}
