/** A reflector of the site as a ChunkSource. Every call has a stream of its own over the one connection, so that a slow reader of one does not hold up another. */
import { asBranchcastError, BranchcastError, throwIfAborted } from '../base/errors.ts';
import { LAN_SOURCE_STREAMS_MAX, LAN_WANT_DIGESTS_MAX, LAN_WANTS_AHEAD_MAX } from '../base/limits/lan.ts';
import { MANIFEST_BYTES_MAX } from '../base/limits/manifests.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ManifestBlock } from '../manifest/entry.ts';
import { decodeFrame } from '../store/frame-decode.ts';
import { parseFrameHeader } from '../store/frame-header.ts';
import type { ChunkSource, LayerRecord, SourceOptions } from '../transfer/chunk-source.ts';
import { BlockClient } from './block-client.ts';
import { BLOCKS_PROTOCOL } from './block-messages.ts';
import type { LanHost } from './lan-host.ts';
import { Slots } from './slots.ts';

interface Want {
  readonly requestId: number;
  readonly digests: ReadonlySet<Digest>;
}

export class LanSource implements ChunkSource {
  readonly name: string;
  readonly kind = 'reflector';
  readonly #host: LanHost;
  readonly #addresses: readonly string[];
  readonly #log: Logger;
  readonly #slots = new Slots(LAN_SOURCE_STREAMS_MAX);
  readonly #closed = new AbortController();
  /** The address that worked last stands first. */
  #addressIndex = 0;
  #receivedFrameBytes = 0;

  /** `addresses`: multiaddrs of one reflector, tried in turn. Connects when it is first asked, and again after a loss. */
  constructor(host: LanHost, addresses: readonly string[], options: { readonly log: Logger }) {
    this.name = `reflector ${addresses[0] ?? 'without an address'}`;
    this.#host = host;
    this.#addresses = addresses;
    this.#log = options.log;
  }

  /** Bytes of frames that have come from there, whatever became of them. */
  get receivedFrameBytes(): number {
    return this.#receivedFrameBytes;
  }

  async resolveLayer(ref: string, { signal }: SourceOptions): Promise<LayerRecord | undefined> {
    return this.#ask(signal, async (client) => {
      const answer = await client.answer(await client.request({ type: 'resolve', ref }));
      if (answer.type !== 'layer') throw client.broke(`answered the name of a layer with a ${answer.type}`);
      return answer.layer;
    });
  }

  async fetchBlock(digest: Digest, options: SourceOptions): Promise<Uint8Array | undefined> {
    const only = new Set([digest]);
    for await (const frame of this.fetchFrames([digest], options)) {
      const block = this.#decode(frame, only).find((chunk) => chunk.digest === digest);
      if (block !== undefined) return block.bytes;
    }
    return undefined;
  }

  fetchManifest(root: Digest, have: readonly Digest[], { signal }: SourceOptions): AsyncGenerator<ManifestBlock, void, undefined> {
    return this.#converse(signal, (client) => this.#blocks(client, root, have));
  }

  async *fetchFrames(digests: readonly Digest[], { signal }: SourceOptions): AsyncGenerator<Uint8Array, void, undefined> {
    if (digests.length > 0) yield* this.#converse(signal, (client) => this.#frames(client, [...new Set(digests)]));
  }

  /** Ends calls under way. The connection is the host's. */
  async close(): Promise<void> {
    this.#closed.abort(new BranchcastError('BC_CANCELLED', 'the source was closed'));
  }

  async *#blocks(client: BlockClient, root: Digest, have: readonly Digest[]): AsyncGenerator<ManifestBlock, void, undefined> {
    const requestId = await client.request({ type: 'manifest', root, have: have.slice(0, HAVE_ROOTS_MAX) });
    let manifestBytes = 0;
    for (let answer = await client.answer(requestId); answer.type !== 'end'; answer = await client.answer(requestId)) {
      if (answer.type !== 'frame') throw client.broke(`answered a manifest request with ${answer.type}`);
      this.#receivedFrameBytes += answer.frame.byteLength;
      for (const block of this.#decode(answer.frame)) {
        manifestBytes += block.bytes.byteLength;
        if (manifestBytes > MANIFEST_BYTES_MAX) throw client.broke(`sent more than ${MANIFEST_BYTES_MAX} bytes of manifest`);
        yield block;
      }
    }
  }

  /** Keeps a few wants ahead of the answers. */
  async *#frames(client: BlockClient, wanted: readonly Digest[]): AsyncGenerator<Uint8Array, void, undefined> {
    const arrived = new Set<Digest>();
    const wants: Want[] = [];
    let asked = 0;
    for (;;) {
      while (wants.length < LAN_WANTS_AHEAD_MAX && asked < wanted.length) {
        // A frame may have brought along what the next want would have asked for.
        const next: Digest[] = [];
        for (; next.length < LAN_WANT_DIGESTS_MAX && asked < wanted.length; asked += 1) {
          const digest = wanted[asked] as Digest;
          if (!arrived.has(digest)) next.push(digest);
        }
        if (next.length > 0) wants.push({ requestId: await client.request({ type: 'want', digests: next }), digests: new Set(next) });
      }
      const want = wants.shift();
      if (want === undefined) return;
      yield* this.#framesOf(client, want, arrived);
    }
  }

  async *#framesOf(client: BlockClient, want: Want, arrived: Set<Digest>): AsyncGenerator<Uint8Array, void, undefined> {
    let frameCount = 0;
    for (let answer = await client.answer(want.requestId); answer.type !== 'end'; answer = await client.answer(want.requestId)) {
      if (answer.type === 'layer') throw client.broke('answered a want with a layer');
      if (answer.type === 'missing') {
        if (answer.digests.some((digest) => !want.digests.has(digest))) throw client.broke('lacks chunks that nobody asked for');
        continue;
      }
      const { frame } = answer;
      this.#receivedFrameBytes += frame.byteLength;
      frameCount += 1;
      if (frameCount > want.digests.size) throw client.broke(`sent more than ${want.digests.size} frames for as many chunks`);
      if (this.#mark(frame, want.digests, arrived) === 0) throw client.broke('sent a frame without a wanted chunk');
      yield frame;
    }
  }

  /** How many wanted chunks the frame says that it holds. */
  #mark(frame: Uint8Array, wanted: ReadonlySet<Digest>, arrived: Set<Digest>): number {
    let count = 0;
    for (const { digest } of this.#blaming(() => parseFrameHeader(frame))?.chunks ?? []) {
      if (wanted.has(digest)) count += 1;
      arrived.add(digest);
    }
    return count;
  }

  #decode(frame: Uint8Array, only?: ReadonlySet<Digest>): readonly ManifestBlock[] {
    return this.#blaming(() => decodeFrame(frame, only === undefined ? {} : { only }));
  }

  #blaming<T>(look: () => T): T {
    try {
      return look();
    } catch (thrown) {
      const error = asBranchcastError(thrown, 'BC_FRAME_MALFORMED');
      throw new BranchcastError(error.code, `${this.name} sent wrong bytes: ${error.message}`, { details: { ...error.details, source: this.name }, cause: error });
    }
  }

  async #ask<T>(signal: AbortSignal, ask: (client: BlockClient) => Promise<T>): Promise<T> {
    for await (const answer of this.#converse(signal, async function* (client) {
      yield await ask(client);
    })) {
      return answer;
    }
    throw new BranchcastError('BC_INTERNAL', `${this.name}: a question without an answer`);
  }

  /** Runs a conversation on a stream of its own, and ends that: in good order after the last answer, otherwise by a reset. */
  async *#converse<T>(signal: AbortSignal, talk: (client: BlockClient) => AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    throwIfAborted(either);
    const release = await this.#slots.take(either);
    try {
      const client = await this.#open(either);
      try {
        yield* talk(client);
        await client.end();
      } finally {
        client.abandon();
      }
    } finally {
      release();
    }
  }

  async #open(signal: AbortSignal): Promise<BlockClient> {
    let failure: BranchcastError | undefined;
    for (let tried = 0; tried < this.#addresses.length; tried += 1) {
      const address = this.#addresses[this.#addressIndex % this.#addresses.length] as string;
      try {
        return new BlockClient(await this.#host.dial(address, BLOCKS_PROTOCOL, { signal }), this.name, signal);
      } catch (thrown) {
        throwIfAborted(signal);
        failure = asBranchcastError(thrown);
        this.#log.debug({ err: failure, address }, 'a reflector was not reached');
        this.#addressIndex += 1;
      }
    }
    throw failure ?? new BranchcastError('BC_CONFIG_INVALID', `${this.name}: it has no address`);
  }
}
