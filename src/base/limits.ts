/**
 * Every bound of every queue, message, loop and cache, by name, in one place. A bound that comes from a file format is a
 * promise to old data: it may grow, never shrink. How bounds relate is asserted by test/unit/base/limits.test.ts.
 */
import { KiB, MiB, SECOND_MS } from './units.ts';

// -- chunks and frames (docs/formats.md)
/** No chunk of any chunker parameters is larger than this. */
export const CHUNK_BYTES_MAX = 1 * MiB;
/** Memory into which files are read for cutting: room for the tail of one block, which is less than a chunk, and a large read after it. */
export const CUT_BUFFER_BYTES = 4 * MiB;
/** Raw bytes at which a frame is closed; one chunk may overshoot it. */
export const FRAME_RAW_BYTES_TARGET = 1 * MiB;
/** A frame's raw bytes never exceed this; larger frames are refused before they are decompressed. */
export const FRAME_RAW_BYTES_MAX = 8 * MiB;
export const FRAME_CHUNKS_MAX = 65_535;
/** Header and table and payload: what a frame may weigh when it is stored or sent. */
export const FRAME_STORED_BYTES_MAX = 12 * MiB;
export const PACK_BYTES_TARGET = 64 * MiB;

// -- deltas (docs/formats.md, "Delta frame")
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

// -- store
/** Under a quota, packs are made small enough that there are so many of them: eviction takes a pack at a time. */
export const PACKS_UNDER_QUOTA = 32;
/** Smaller packs would hold hardly more than a frame. */
export const PACK_BYTES_MIN = 1 * MiB;
/** Below this share of pinned bytes a pack is not kept for their sake: they move to a new one. */
export const PACK_PINNED_SHARE_MIN = 0.25;
/** A pack of a store without a quota goes when less of its frames' raw bytes is still found there. What is, is copied: at most three bytes for one that is freed. */
export const PACK_FOUND_SHARE_MIN = 0.75;
/** Frames that one fdatasync makes durable: more would only delay the first put of the group. */
export const PUT_GROUP_BYTES_MAX = 32 * MiB;
/** Left free on the disk at any time: what LevelDB may need to merge its tables, and for logs. */
export const DISK_RESERVE_BYTES = 16 * MiB;
/** What LevelDB may write when it is opened: a table of its log (4 MiB at most), a new log, a new manifest. */
export const INDEX_OPEN_BYTES = 8 * MiB;
/** LevelDB's block cache. Lookups are random, so a larger one hardly helps; the system's page cache holds the rest. */
export const INDEX_CACHE_BYTES = 16 * MiB;
/** LevelDB's blocks: large ones keep its index of blocks small, and a lookup searches a block without copying it. */
export const INDEX_BLOCK_BYTES = 16 * KiB;
/** Entries of a block between two whole keys: the others leave out what they share with the one before. */
export const INDEX_RESTART_INTERVAL = 32;
/** Frames kept decompressed: chunks of one frame are mostly read one after the other. */
export const DECODED_FRAMES_BYTES_MAX = 8 * MiB;
/** Frames as stored that a store keeps in memory for whoever wants the same ones a moment later. */
export const STORED_FRAMES_BYTES_MAX = 8 * MiB;
/** How long a put waits for readers to leave the last packs that could be evicted for it. */
export const EVICTION_WAIT_MS = 2 * SECOND_MS;
/** Frames read and decompressed for single chunks at a time: each takes up to FRAME_STORED_BYTES_MAX and FRAME_RAW_BYTES_MAX. */
export const FRAME_READS_MAX = 4;
/** A worker thread that has not ended by itself so long after it was told to is terminated. */
export const WORKER_END_TIMEOUT_MS = 10 * SECOND_MS;
/** Threads that compress and verify frames, and frames that wait for or are with each of them. */
export const FRAME_WORKERS_MAX = 16;
export const FRAMES_PER_WORKER = 2;
/** Threads of a daemon for frames that are put or asked for: they work beside what else the machine has to do. */
export const STORE_WORKERS_MAX = 4;
/** A frame of so few raw bytes is verified in less time than it takes to hand it to a thread. */
export const VERIFY_HERE_BYTES_MAX = 16 * KiB;
/** A pack is read for others in pieces of this size. */
export const PACK_READ_BYTES = 256 * KiB;

// -- manifests
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
/** Decoded nodes that a reader keeps for lookups: some hundred kilobytes in all. */
export const NODES_KEPT_MAX = 32;
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

// -- WAN API
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

// -- publishing
/** Bytes of blocks in one question about what is missing, and how many such questions are under way. */
export const PUBLISH_BATCH_BYTES = 4 * MiB;
export const PUBLISH_BATCHES_MAX = 3;
/** Frames that travel in one upload, and uploads under way. */
export const UPLOAD_BYTES_TARGET = 4 * MiB;
export const PUBLISH_UPLOADS_MAX = 3;

// -- repacking for the WAN
/** What a repacked frame may take as stored, by what its chunks take in the frames where they stood: a higher level makes it less. */
export const REPACK_STORED_BYTES_TARGET = 1152 * KiB;
/** Frames that are planned at a time: one for each earlier commit whose chunks a layer uses. */
export const REPACK_GENERATIONS_MAX = 64;
/** Chunks located in one go. */
export const REPACK_BATCH_CHUNKS = 1024;
/** Layers that count as fetched lately. */
export const REPACK_FETCHED_MAX = 64;
/** Layers that may wait because somebody asked for them. */
export const REPACKS_ASKED_MAX = 10_000;
export const REPACK_RETRY_MS = 600 * SECOND_MS;
/** How often the CLI looks how far repacking is. */
export const REPACK_POLL_MS = 500;

// -- LAN protocols
/** One message on a LAN stream: a frame and its envelope. */
export const LAN_MESSAGE_BYTES_MAX = FRAME_STORED_BYTES_MAX + 64 * KiB;
/** A request from a peer is small; a larger one is refused before it is buffered. */
export const LAN_REQUEST_BYTES_MAX = 512 * KiB;
/** Digests in one want. */
export const LAN_WANT_DIGESTS_MAX = 4096;
/** Wants that one stream may have outstanding. */
export const LAN_WANTS_OUTSTANDING_MAX = 32;
/** A message is handed to its stream in pieces of what a socket takes at a time (message-stream.ts says why): with yamux's 12 bytes just one noise packet of 65,519. */
export const LAN_SEND_PIECE_BYTES = 65_507;
/** What may wait in a connection until its peer reads: a piece for each stream, or the answers to a flood of pings, which ends here. */
export const LAN_CONNECTION_BACKLOG_BYTES_MAX = 5 * MiB;
/** Bytes that may wait unread in a receiving stream before it pauses the sender. */
export const LAN_RECEIVE_BUFFER_BYTES = 4 * MiB;
/** What the far end may send before it has to wait for us (yamux window): what still comes after a pause. 1 MiB fills 1 Gbit/s over 8 ms. */
export const LAN_STREAM_WINDOW_BYTES = 1 * MiB;
export const LAN_CONNECTIONS_MAX = 2000;
/** Connections in handshake at a time, and new ones a second from one address: a whole branch that is switched on at eight, perhaps behind one router. */
export const LAN_PENDING_CONNECTIONS_MAX = 1000;
export const LAN_CONNECTIONS_PER_HOST_PER_SECOND_MAX = 1000;
/** Streams of one connection that libp2p accepts at all; what a peer may use is LAN_STREAMS_PER_PEER_MAX. */
export const LAN_STREAMS_PER_CONNECTION_MAX = 64;
/** Streams of one peer that are served; more are answered busy. */
export const LAN_STREAMS_PER_PEER_MAX = 16;
/** Streams that a source opens to its reflector at a time; further calls wait. */
export const LAN_SOURCE_STREAMS_MAX = 8;
/** Requests that are being answered at a time, each of which holds a frame; more are answered busy. */
export const LAN_REQUESTS_ACTIVE_MAX = 256;
export const LAN_BUSY_RETRY_MS = 1 * SECOND_MS;
/** Wants that a source sends ahead of the answers, so that the next is being read while the last one flows. */
export const LAN_WANTS_AHEAD_MAX = 2;
/** Bytes of the text that names a layer, and characters of the message of an error. */
export const LAN_REF_BYTES_MAX = 4 * (LAYER_NAME_CHARS_MAX + 1 + LAYER_VERSION_CHARS_MAX);
export const LAN_ERROR_MESSAGE_CHARS_MAX = 1000;
/** TCP connect and handshake; 1000 handshakes at once keep a reflector busy for about this long. */
export const LAN_DIAL_TIMEOUT_MS = 10 * SECOND_MS;
export const LAN_HANDSHAKE_TIMEOUT_MS = 10 * SECOND_MS;
/** A stream that we have closed is held for so long until the far end has closed it too. */
export const LAN_CLOSE_TIMEOUT_MS = 5 * SECOND_MS;
/** No byte and no progress on an open request for this long: the stream is dead. */
export const LAN_STALL_TIMEOUT_MS = 60 * SECOND_MS;
/** While a request waits for the WAN, the server says so this often, and is believed for so long without a frame. */
export const LAN_ALIVE_INTERVAL_MS = 15 * SECOND_MS;
export const LAN_ALIVE_MAX_MS = 900 * SECOND_MS;

// -- daemons
/** A configuration file; the largest real one is some kilobytes. */
export const CONFIG_BYTES_MAX = 1 * MiB;
/** A daemon's own API on this machine answers at once or not at all. */
export const LOCAL_API_TIMEOUT_MS = 10 * SECOND_MS;
/** How often the CLI looks how far a scrub is. */
export const SCRUB_POLL_MS = 500;
/** `doctor` warns of less room for a data directory, and of clocks further apart. */
export const DISK_FREE_BYTES_MIN = 1024 * MiB;
export const CLOCK_SKEW_MS_MAX = 60 * SECOND_MS;
/** Manifest nodes that a command keeps in memory; more are fetched when they are needed. */
export const MANIFEST_READ_AHEAD_BYTES_MAX = 256 * MiB;
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
/** Work in flight gets this long after a first SIGTERM or Ctrl-C. */
export const SHUTDOWN_GRACE_MS = 5 * SECOND_MS;
/** Long poll for new layers. */
export const CHANGES_WAIT_MS_MAX = 30 * SECOND_MS;
/** Resident memory that a daemon must stay under while a layer of any size passes through. */
export const DAEMON_RSS_BYTES_MAX = 300 * MiB;

// -- single-flight fetching in a reflector
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

// -- pulling on an endpoint
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

// -- local HTTP APIs
/** A JSON request to a reflector's or agent's own API. */
export const API_REQUEST_BYTES_MAX = 64 * KiB;
/** Answers under way get this long when a daemon stops; less than SHUTDOWN_GRACE_MS. */
export const API_CLOSE_GRACE_MS = 3 * SECOND_MS;
/** Digests that the status of a scrub lists; it counts all. */
export const SCRUB_DROPPED_LISTED_MAX = 1000;

// -- capture and apply of trees
/** Entries of a manifest that are gone through together, at least; those of the last leaf are not parted. Waking a thread takes as long as looking at dozens of files. */
export const ENTRIES_TOGETHER = 512;
/** Synchronous work on a tree lets the event loop turn after this long: nothing else in the process waits longer. */
export const EVENT_LOOP_TURN_MS = 10;
/** Entries of any type from a bundle's first file on, until it is closed for want of a hit (docs/formats.md): they wait in memory for its digest. */
export const BUNDLE_SPAN_ENTRIES_MAX = 65_536;
/** Entries of a tree that are listed before the bytes of the first are needed: in batches of so many, or as many as there is memory for. */
export const READ_AHEAD_ENTRIES = 512;
export const READ_AHEAD_BATCHES = 4;
/** Of one batch: rows, paths and bytes of its files. 512 files of usual small ones, and at least one of the largest. */
export const READ_AHEAD_BATCH_BYTES = 4 * MiB;
/** The first so many files of a batch are read in their turn, and tell whether the disk is waited for: files in memory take some 20 microseconds each. */
export const READ_AHEAD_PROBES = 32;
export const READ_AHEAD_WAIT_MICROS = 50;
/** Threads that read then. */
export const READ_AHEAD_WORKERS = 2;
/** Paths that a capture lists as skipped, or a verification as different; both count all. */
export const LISTED_PATHS_MAX = 1000;
/** Places of chunks in an old tree that are kept in mind for deltas: some hundred bytes each. Those of a larger tree are not all used. */
export const OLD_PLACES_MAX = 524_288;
/** Nodes that a source may send although nobody named them (it may know less of what we have than we do). */
export const MANIFEST_UNASKED_BYTES_MAX = 256 * MiB;
/** Nodes that are gathered for one write. */
export const NODE_BATCH_BYTES_MAX = 1 * MiB;
/** New files that a stage keeps open while chunks arrive: a chunk shared by many small files opens each once. */
export const STAGED_FILES_OPEN_MAX = 64;
/** Threads that look at, link and remove files, and pieces of such work under way at a time. */
export const INODE_WORKERS = 2;
export const INODE_JOBS_AHEAD = 4;
/** Files that are looked at, linked or removed before threads are started for it: they take as long as starting the threads does. */
export const INODES_DONE_HERE = 4096;
/** Names that are removed in one go. Each may have to wait for the disk to discard its blocks. */
export const UNLINKS_TOGETHER = 512;
/** Entries of a directory tree that are looked at before they are compared with a manifest. */
export const WALKED_TOGETHER = 64;
/** Pieces from this length on are written past the page cache: each sets off a request to the disk, which costs more than what it saves for smaller ones. */
export const UNCACHED_WRITE_BYTES_MIN = 32 * KiB;
/** How long ago, at least, an inode must have changed for its change time to prove that nothing changed since: some ticks of the kernel's clock. */
export const CHANGE_TIME_GRAIN_MS = 20;
/** What a capture keeps of a tree for the next one, in a file and twice in memory meanwhile: about 700,000 files. */
export const CAPTURE_CACHE_BYTES_MAX = 64 * MiB;
