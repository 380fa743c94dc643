/**
 * Serves layers, manifests and chunks to the peers of the site: `/branchcast/blocks/1`, docs/protocols.md. Whoever reaches the LAN port may ask, for
 * anything that the site's core has: the peer id, which noise proves, is counted by and logged, and never looked up in a list. A peer may make itself as many ids
 * as it likes, so that what bounds hostile ones is LAN_REQUESTS_ACTIVE_MAX and the connections of lan-host.ts; docs/threat-model.md, "No entitlement".
 */
import { BranchcastError } from '../base/errors.ts';
import { LAN_ALIVE_INTERVAL_MS, LAN_BUSY_RETRY_MS, LAN_REQUEST_BYTES_MAX, LAN_REQUESTS_ACTIVE_MAX, LAN_STREAMS_PER_PEER_MAX } from '../base/limits/lan.ts';
import type { Logger } from '../base/log.ts';
import { BLOCKS_PROTOCOL, decodeRequest, encodeReply, errorReply } from './block-messages.ts';
import type { BlockProvider } from './block-provider.ts';
import { BlockSession } from './block-session.ts';
import type { LanHost } from './lan-host.ts';
import type { MessageStream } from './message-stream.ts';

export interface ServeBlocksOptions {
  readonly log: Logger;
  /** A frame was taken by the peer's side of the network. */
  readonly onServed?: (peerId: string, frameBytes: number) => void;
  /** For tests: the bounds of src/base/limits/lan.ts by default. */
  readonly requestsActiveMax?: number;
  readonly streamsPerPeerMax?: number;
  readonly aliveIntervalMs?: number;
}

export async function serveBlocks(host: LanHost, provider: BlockProvider, options: ServeBlocksOptions): Promise<void> {
  const server = new BlockServer(provider, options);
  await host.handle(BLOCKS_PROTOCOL, (stream) => server.serve(stream), { maxMessageBytes: LAN_REQUEST_BYTES_MAX, receiveBufferBytes: LAN_REQUEST_BYTES_MAX });
}

/** What all sessions share: how much is being done, for all and for each peer. */
class BlockServer {
  readonly #provider: BlockProvider;
  readonly #options: ServeBlocksOptions;
  readonly #streamCounts = new Map<string, number>();
  #activeCount = 0;

  constructor(provider: BlockProvider, options: ServeBlocksOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  async serve(stream: MessageStream): Promise<void> {
    const { log, onServed, streamsPerPeerMax = LAN_STREAMS_PER_PEER_MAX, aliveIntervalMs = LAN_ALIVE_INTERVAL_MS } = this.#options;
    const { remotePeerId } = stream;
    const streamCount = (this.#streamCounts.get(remotePeerId) ?? 0) + 1;
    if (streamCount > streamsPerPeerMax) {
      await refuse(stream, busy(`a peer may have ${streamsPerPeerMax} streams`));
      return;
    }
    this.#streamCounts.set(remotePeerId, streamCount);
    try {
      const session = new BlockSession(stream, {
        provider: this.#provider,
        log,
        aliveIntervalMs,
        admit: (answer) => this.#admit(answer),
        onServed: (frameBytes) => onServed?.(remotePeerId, frameBytes),
      });
      await session.run();
    } finally {
      const left = (this.#streamCounts.get(remotePeerId) ?? 1) - 1;
      if (left > 0) this.#streamCounts.set(remotePeerId, left);
      else this.#streamCounts.delete(remotePeerId);
    }
  }

  /** Each answer holds a frame, so that their number bounds the memory that slow peers can take. BC_BUSY. */
  async #admit(answer: () => Promise<void>): Promise<void> {
    const { requestsActiveMax = LAN_REQUESTS_ACTIVE_MAX } = this.#options;
    if (this.#activeCount >= requestsActiveMax) throw busy(`${requestsActiveMax} requests are being answered`);
    this.#activeCount += 1;
    try {
      await answer();
    } finally {
      this.#activeCount -= 1;
    }
  }
}

async function refuse(stream: MessageStream, error: BranchcastError): Promise<void> {
  const first = await stream.receive();
  if (first === undefined) return;
  const { requestId } = decodeRequest(first);
  await stream.send(...encodeReply(errorReply(requestId, error)));
}

/** The pause is spread, lest all who were refused come back together. */
function busy(why: string): BranchcastError {
  return new BranchcastError('BC_BUSY', why, { details: { retryAfterMs: Math.round(LAN_BUSY_RETRY_MS * (0.5 + Math.random())) } });
}
