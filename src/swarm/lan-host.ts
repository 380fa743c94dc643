/** This member of the site on the LAN: a libp2p node (tcp, noise, yamux) that gives out message streams and nothing else. */
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Connection, Ed25519PrivateKey } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p';
import { asBranchcastError, BranchcastError, throwIfAborted } from '../base/errors.ts';
import { LAN_CONNECTION_BACKLOG_BYTES_MAX, LAN_CONNECTIONS_MAX, LAN_CONNECTIONS_PER_HOST_PER_SECOND_MAX, LAN_DIAL_TIMEOUT_MS, LAN_HANDSHAKE_TIMEOUT_MS, LAN_MESSAGE_BYTES_MAX, LAN_PENDING_CONNECTIONS_MAX, LAN_STALL_TIMEOUT_MS, LAN_STREAM_WINDOW_BYTES, LAN_STREAMS_PER_CONNECTION_MAX } from '../base/limits/lan.ts';
import type { Logger } from '../base/log.ts';
import { MessageStream } from './message-stream.ts';
import { guardMuxer } from './muxer-guard.ts';
import { bulkNoise } from './noise.ts';

export interface LanHostOptions {
  readonly privateKey: Ed25519PrivateKey;
  /** Multiaddrs; none: this host only dials. */
  readonly listen: readonly string[];
  readonly log: Logger;
  /** For tests: how long a stream may make no progress. */
  readonly stallTimeoutMs?: number;
}

export interface RemotePeer {
  readonly peerId: string;
}

export interface HandleOptions {
  /** A longer message from a peer is refused at its prefix. */
  readonly maxMessageBytes?: number;
  readonly receiveBufferBytes?: number;
}

export interface LanHost {
  readonly peerId: string;
  /** Where this host listens, each with its peer id. */
  addresses(): string[];
  /** Calls `onStream` for every stream that a peer opens. The stream is closed when the promise fulfils, reset when it rejects. */
  handle(protocol: string, onStream: (stream: MessageStream, remote: RemotePeer) => Promise<void>, options?: HandleOptions): Promise<void>;
  /**
   * A new stream to the peer at `address`, over the connection that is there or a new one. That it resolves proves nothing: a peer that
   * refuses us resets the stream later. BC_REFLECTOR_UNREACHABLE, BC_CONFIG_INVALID (no multiaddr), BC_PROTOCOL (protocol not spoken).
   */
  dial(address: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<MessageStream>;
  connectionCount(): number;
  /** May be called twice. */
  close(): Promise<void>;
}

export async function createLanHost(options: LanHostOptions): Promise<LanHost> {
  const listen = options.listen.map((address) => parseAddress(address).toString());
  try {
    const node = await createLibp2p(libp2pOptions(options.privateKey, listen));
    return new Libp2pLanHost(node, options);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/EADDRINUSE|EADDRNOTAVAIL|EACCES|failed to be listened on/.test(text)) {
      throw new BranchcastError('BC_ADDRESS_IN_USE', `cannot listen on ${listen.join(', ')}: ${oneLine(text)}`, { cause });
    }
    throw asBranchcastError(cause);
  }
}

/** libp2p's defaults refuse a branch that is switched on at once: ten handshakes, five connections a second from an address. */
function libp2pOptions(privateKey: Ed25519PrivateKey, listen: string[]): Libp2pOptions {
  return {
    privateKey,
    addresses: { listen },
    transports: [tcp({ maxConnections: LAN_CONNECTIONS_MAX })],
    connectionEncrypters: [bulkNoise()],
    streamMuxers: [
      guardMuxer(
        yamux({
          maxInboundStreams: LAN_STREAMS_PER_CONNECTION_MAX,
          maxOutboundStreams: LAN_STREAMS_PER_CONNECTION_MAX,
          maxEarlyStreams: LAN_STREAMS_PER_CONNECTION_MAX,
          // The first window must be the same at both ends, so it stays as it is; it grows up to this. A paused stream must hold
          // all of it, or libp2p resets the stream.
          streamOptions: { maxStreamWindowSize: LAN_STREAM_WINDOW_BYTES, maxReadBufferLength: 2 * LAN_STREAM_WINDOW_BYTES },
        }),
        { frameBytesMax: LAN_STREAM_WINDOW_BYTES, backlogBytesMax: LAN_CONNECTION_BACKLOG_BYTES_MAX },
      ),
    ],
    // Its ping needs a stream every ten seconds and cuts connections of peers that are merely busy; yamux keeps them alive.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: LAN_CONNECTIONS_MAX,
      maxIncomingPendingConnections: LAN_PENDING_CONNECTIONS_MAX,
      inboundConnectionThreshold: LAN_CONNECTIONS_PER_HOST_PER_SECOND_MAX,
      dialTimeout: LAN_DIAL_TIMEOUT_MS,
      addressDialTimeout: LAN_DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: LAN_HANDSHAKE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: LAN_HANDSHAKE_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: LAN_HANDSHAKE_TIMEOUT_MS,
      reconnectRetries: 0,
    },
  };
}

class Libp2pLanHost implements LanHost {
  readonly #node: Libp2p;
  readonly #log: Logger;
  readonly #stallTimeoutMs: number;
  /** The connection to each address that was dialed. An address without a peer id says nothing by which libp2p could find it again. */
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(node: Libp2p, options: LanHostOptions) {
    this.#node = node;
    this.#log = options.log;
    this.#stallTimeoutMs = options.stallTimeoutMs ?? LAN_STALL_TIMEOUT_MS;
  }

  get peerId(): string {
    return this.#node.peerId.toString();
  }

  addresses(): string[] {
    return this.#node.getMultiaddrs().map((address) => address.toString());
  }

  connectionCount(): number {
    return this.#node.getConnections().length;
  }

  async handle(protocol: string, onStream: (stream: MessageStream, remote: RemotePeer) => Promise<void>, options: HandleOptions = {}): Promise<void> {
    await this.#node.handle(
      protocol,
      (raw, connection) => {
        const stream = this.#wrap(raw, connection, options);
        const peerId = stream.remotePeerId;
        onStream(stream, { peerId })
          .then(() => stream.close())
          .catch((thrown: unknown) => {
            this.#log.debug({ err: asBranchcastError(thrown), peerId, protocol }, 'a stream failed');
            stream.abort(thrown);
          });
      },
      { maxInboundStreams: LAN_STREAMS_PER_CONNECTION_MAX, maxOutboundStreams: LAN_STREAMS_PER_CONNECTION_MAX },
    );
  }

  async dial(address: string, protocol: string, { signal }: { readonly signal: AbortSignal }): Promise<MessageStream> {
    const target = parseAddress(address);
    throwIfAborted(signal);
    const connection = await beforeAbort(this.#connect(target), signal);
    try {
      const negotiation = AbortSignal.any([signal, AbortSignal.timeout(LAN_HANDSHAKE_TIMEOUT_MS)]);
      const raw = await connection.newStream(protocol, { signal: negotiation, maxOutboundStreams: LAN_STREAMS_PER_CONNECTION_MAX });
      return this.#wrap(raw, connection, {});
    } catch (cause) {
      throwIfAborted(signal);
      if ((cause as Error).name === 'UnsupportedProtocolError') {
        throw new BranchcastError('BC_PROTOCOL', `the peer at ${address} does not speak ${protocol}`, { cause, details: { address } });
      }
      // Whatever this connection has, a new one is the cure.
      connection.abort(cause as Error);
      throw new BranchcastError('BC_REFLECTOR_UNREACHABLE', `no stream to the peer at ${address}: ${oneLine((cause as Error).message)}`, { cause, details: { address } });
    }
  }

  async close(): Promise<void> {
    await this.#node.stop();
  }

  #wrap(raw: Parameters<Parameters<Libp2p['handle']>[1]>[0], connection: Connection, options: HandleOptions): MessageStream {
    return new MessageStream(raw, {
      remotePeerId: connection.remotePeer.toString(),
      maxMessageBytes: options.maxMessageBytes ?? LAN_MESSAGE_BYTES_MAX,
      ...(options.receiveBufferBytes === undefined ? {} : { receiveBufferBytes: options.receiveBufferBytes }),
      stallTimeoutMs: this.#stallTimeoutMs,
    });
  }

  /** One dial an address at a time, whoever asks. */
  #connect(target: Multiaddr): Promise<Connection> {
    const key = target.toString();
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const dialed = this.#open(target);
    this.#connections.set(key, dialed);
    const forget = (): void => {
      if (this.#connections.get(key) === dialed) this.#connections.delete(key);
    };
    dialed.then((connection) => {
      connection.addEventListener('close', forget, { once: true });
      if (connection.status !== 'open') forget();
    }, forget);
    return dialed;
  }

  async #open(target: Multiaddr): Promise<Connection> {
    try {
      return await this.#node.dial(target, { signal: AbortSignal.timeout(LAN_DIAL_TIMEOUT_MS) });
    } catch (cause) {
      throw new BranchcastError('BC_REFLECTOR_UNREACHABLE', `no peer at ${target.toString()}: ${oneLine((cause as Error).message)}`, { cause, details: { address: target.toString() } });
    }
  }
}

function parseAddress(address: string): Multiaddr {
  try {
    return multiaddr(address);
  } catch (cause) {
    throw new BranchcastError('BC_CONFIG_INVALID', `"${address}" is no multiaddr; write it as /ip4/10.10.0.1/tcp/7410`, { cause });
  }
}

function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(asBranchcastError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
