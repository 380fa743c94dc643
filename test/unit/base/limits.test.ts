/** How the bounds relate: a message must have room for what it carries, a buffer for what it must hold. */
import { readdirSync } from 'node:fs';
import t from 'tap';
import * as commands from '../../../src/base/limits/commands.ts';
import * as daemons from '../../../src/base/limits/daemons.ts';
import * as deltas from '../../../src/base/limits/deltas.ts';
import * as fetching from '../../../src/base/limits/fetching.ts';
import * as frames from '../../../src/base/limits/frames.ts';
import * as lan from '../../../src/base/limits/lan.ts';
import * as manifests from '../../../src/base/limits/manifests.ts';
import * as publishing from '../../../src/base/limits/publishing.ts';
import * as repacking from '../../../src/base/limits/repacking.ts';
import * as store from '../../../src/base/limits/store.ts';
import * as trees from '../../../src/base/limits/trees.ts';
import * as wan from '../../../src/base/limits/wan.ts';
import { VARINT_BYTES_MAX } from '../../../src/base/varint.ts';

const areas = { commands, daemons, deltas, fetching, frames, lan, manifests, publishing, repacking, store, trees, wan };
const limits = { ...commands, ...daemons, ...deltas, ...fetching, ...frames, ...lan, ...manifests, ...publishing, ...repacking, ...store, ...trees, ...wan };

const FRAME_HEADER_BYTES = 24;
const FRAME_TABLE_ROW_BYTES = 36;
const DIGEST_BYTES = 32;
/** What a frame request or message says beside its payload: length, type, request id, root and so on. */
const ENVELOPE_BYTES = 64;

const relations: readonly [string, boolean][] = [
  ['a chunk fits in a frame', limits.CHUNK_BYTES_MAX <= limits.FRAME_RAW_BYTES_MAX],
  ['a frame at its target may take one more chunk', limits.FRAME_RAW_BYTES_TARGET + limits.CHUNK_BYTES_MAX <= limits.FRAME_RAW_BYTES_MAX],
  ['a manifest node can be a chunk of a frame', limits.NODE_BYTES_MAX <= limits.CHUNK_BYTES_MAX],
  ['a descriptor can be a chunk of a frame', limits.DESCRIPTOR_BYTES_MAX <= limits.CHUNK_BYTES_MAX],
  ['a frame that does not compress can be stored with its table', limits.FRAME_STORED_BYTES_MAX >= limits.FRAME_RAW_BYTES_MAX + FRAME_HEADER_BYTES + FRAME_TABLE_ROW_BYTES * limits.FRAME_CHUNKS_MAX],
  ["a frame's chunk count fits its 16-bit field", limits.FRAME_CHUNKS_MAX < 2 ** 16],
  ["a frame's sizes fit their 32-bit fields", limits.FRAME_STORED_BYTES_MAX < 2 ** 32],
  ['a pack holds at least one frame', limits.PACK_BYTES_TARGET >= limits.FRAME_STORED_BYTES_MAX],
  ['an upload holds at least one frame', limits.UPLOAD_BYTES_MAX >= limits.FRAME_STORED_BYTES_MAX],
  ['a LAN message holds a frame and its envelope', limits.LAN_MESSAGE_BYTES_MAX >= limits.FRAME_STORED_BYTES_MAX + ENVELOPE_BYTES],
  ['a LAN request holds a full want', limits.LAN_REQUEST_BYTES_MAX >= ENVELOPE_BYTES + DIGEST_BYTES * limits.LAN_WANT_DIGESTS_MAX],
  ['a LAN request holds a manifest request', limits.LAN_REQUEST_BYTES_MAX >= ENVELOPE_BYTES + DIGEST_BYTES * limits.HAVE_ROOTS_MAX],
  ['a small file that is read late has room behind another', 2 * limits.CHUNK_BYTES_MAX <= limits.CUT_BUFFER_BYTES],
  ['a batch that is read ahead has room for its rows and for the largest small file', limits.READ_AHEAD_BATCH_BYTES >= 56 * limits.READ_AHEAD_ENTRIES + limits.PATH_BYTES_MAX + limits.CHUNK_BYTES_MAX],
  ['what is read ahead has batches for all threads', limits.READ_AHEAD_BATCHES > limits.READ_AHEAD_WORKERS],
  ['each thread has work on files, and a next piece of it waits', limits.INODE_JOBS_AHEAD >= 2 * limits.INODE_WORKERS],
  ['threads for work on files start with a tree of several pieces of work', limits.INODES_DONE_HERE >= limits.INODE_JOBS_AHEAD * limits.ENTRIES_TOGETHER],
  ['chunks of an old tree that are written together have room for the largest', limits.SEED_TOGETHER_BYTES >= limits.CHUNK_BYTES_MAX],
  ['a stage has more files open than it writes to at a time', limits.STAGED_FILES_OPEN_MAX > limits.STAGE_WRITES_TOGETHER],
  ['a delta at its target may take one more chunk', limits.DELTA_RAW_BYTES_TARGET + limits.CHUNK_BYTES_MAX <= limits.DELTA_RAW_BYTES_MAX],
  ['a delta can be made into a frame', limits.DELTA_RAW_BYTES_MAX <= limits.FRAME_RAW_BYTES_MAX && limits.DELTA_CHUNKS_MAX <= limits.FRAME_CHUNKS_MAX],
  ['the base that is aimed at is within the bound', limits.DELTA_BASE_BYTES_TARGET <= limits.DELTA_BASE_BYTES_MAX],
  ['a step of differences has room where there are few new bytes', limits.DIFFERENCES_SPARE_BYTES >= 3 * VARINT_BYTES_MAX],
  ["a delta's window covers its base and its chunks", limits.DELTA_BASE_BYTES_MAX + limits.DELTA_RAW_BYTES_MAX <= 2 ** limits.DELTA_WINDOW_LOG_MAX],
  ["a delta's counts fit their 16-bit fields", Math.max(limits.DELTA_CHUNKS_MAX, limits.DELTA_BASE_CHUNKS_MAX) < 2 ** 16],
  ['an answer without deltas ends before it is taken for dead', limits.DELTA_PATIENCE_MS < limits.WAN_STALL_TIMEOUT_MS],
  ['a connection has room for a piece of each stream', limits.LAN_CONNECTION_BACKLOG_BYTES_MAX > limits.LAN_STREAMS_PER_CONNECTION_MAX * limits.LAN_SEND_PIECE_BYTES],
  ['a source keeps within what a peer may have', limits.LAN_SOURCE_STREAMS_MAX <= limits.LAN_STREAMS_PER_PEER_MAX && limits.LAN_STREAMS_PER_PEER_MAX < limits.LAN_STREAMS_PER_CONNECTION_MAX],
  ['wants sent ahead are accepted', limits.LAN_WANTS_AHEAD_MAX < limits.LAN_WANTS_OUTSTANDING_MAX],
  ['a server that waits is heard before it is given up', 2 * limits.LAN_ALIVE_INTERVAL_MS < limits.LAN_STALL_TIMEOUT_MS],
  ['what all peers together are being sent leaves most of the memory', limits.LAN_REQUESTS_ACTIVE_MAX * limits.FRAME_RAW_BYTES_TARGET <= limits.DAEMON_RSS_BYTES_MAX],
  ['that holds for repacked frames as well', limits.LAN_REQUESTS_ACTIVE_MAX * limits.REPACK_STORED_BYTES_TARGET <= limits.DAEMON_RSS_BYTES_MAX],
  ['a repacked frame is worth its name, and not longer than a frame may be', limits.REPACK_STORED_BYTES_TARGET >= limits.FRAME_RAW_BYTES_TARGET && limits.FRAME_RAW_BYTES_MAX > 2 * limits.FRAME_RAW_BYTES_TARGET],
  ['the WAN window holds a few repacked frames', limits.WAN_WINDOW_BYTES >= 4 * limits.REPACK_STORED_BYTES_TARGET],
  ['a node split by bytes stays in its bound with one entry more', limits.PATH_BYTES_MAX + limits.LINK_TARGET_BYTES_MAX + limits.XATTRS_BYTES_MAX < limits.NODE_BYTES_MAX],
  ['a name fits in a path', limits.NAME_BYTES_MAX < limits.PATH_BYTES_MAX],
  ['a whole manifest has room for more than one node', limits.MANIFEST_BYTES_MAX > limits.NODE_BYTES_MAX],
  ['a CAR block has room for a chunk, a node and a descriptor', limits.NODE_BYTES_MAX >= Math.max(limits.CHUNK_BYTES_MAX, limits.DESCRIPTOR_BYTES_MAX)],
  ['the record of an export has room for its names', limits.EXPORT_RECORD_BYTES_MAX >= (limits.HAVE_ROOTS_MAX + 1) * (limits.LAYER_NAME_CHARS_MAX + limits.LAYER_VERSION_CHARS_MAX + 2 * ENVELOPE_BYTES)],
  ['a batch of chunks fits in one request to a source', limits.FETCH_BATCH_DIGESTS_MAX <= Math.min(limits.LAN_WANT_DIGESTS_MAX, limits.REQUEST_DIGESTS_MAX)],
  ['the fetch queue holds the batches under way', limits.FETCH_QUEUE_DIGESTS_MAX >= limits.FETCH_BATCH_DIGESTS_MAX * limits.FETCH_BATCHES_MAX],
  ['the fetch queue holds what one peer may want', limits.FETCH_QUEUE_DIGESTS_MAX >= limits.LAN_WANT_DIGESTS_MAX],
  ['frames that wait for the disk leave most of the memory', limits.FETCH_PUTS_MAX * (limits.FRAME_STORED_BYTES_MAX + limits.FRAME_RAW_BYTES_MAX) < limits.DAEMON_RSS_BYTES_MAX / 2],
  ['a dial ends before its handshake does', limits.LAN_DIAL_TIMEOUT_MS <= limits.LAN_HANDSHAKE_TIMEOUT_MS],
  ['a long poll ends before its request is taken for dead', limits.CHANGES_WAIT_MS_MAX <= limits.WAN_STALL_TIMEOUT_MS],
  ['a stream outlives a pause of the WAN behind it', limits.LAN_STALL_TIMEOUT_MS > limits.WAN_STALL_TIMEOUT_MS],
  ['pauses grow', limits.SOURCE_BACKOFF_FIRST_MS < limits.SOURCE_BACKOFF_LAST_MS],
  ['a liar is out for longer than a failure', limits.SOURCE_QUARANTINE_MS > limits.SOURCE_BACKOFF_LAST_MS],
];

for (const [relation, holds] of relations) t.ok(holds, relation);

const files = readdirSync(new URL('../../../src/base/limits', import.meta.url));
t.strictSame(files.sort(), Object.keys(areas).map((area) => `${area}.ts`), 'every area of limits is looked at');
const boundsCount = Object.values(areas).reduce((sum, area) => sum + Object.keys(area).length, 0);
t.equal(Object.keys(limits).length, boundsCount, 'no two bounds have one name');

for (const [name, value] of Object.entries(limits)) {
  if (name.includes('_SHARE_')) t.ok(value > 0 && value < 1, `${name} is a part of a whole`);
  else t.ok(Number.isSafeInteger(value) && value > 0, `${name} is a whole number above 0`);
}
