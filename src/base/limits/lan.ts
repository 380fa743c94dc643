/** Bounds of the LAN protocols (docs/protocols.md). */
import { KiB, MiB, SECOND_MS } from '../units.ts';
import { FRAME_STORED_BYTES_MAX } from './frames.ts';
import { LAYER_NAME_CHARS_MAX, LAYER_VERSION_CHARS_MAX } from './manifests.ts';

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
