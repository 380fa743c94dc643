/** One stream of a client: reads its requests while it answers them, one after the other. */
import { asBranchcastError, hasCode, throwIfAborted } from '../base/errors.ts';
import { LAN_WANTS_OUTSTANDING_MAX } from '../base/limits/lan.ts';
import type { Logger } from '../base/log.ts';
import type { Digest } from '../chunking/digest.ts';
import { parseFrameHeader } from '../store/frame-header.ts';
import { decodeRequest, encodeReply, errorReply, type Reply } from './block-messages.ts';
import type { BlockProvider } from './block-provider.ts';
import type { MessageStream } from './message-stream.ts';
import { RequestQueue, type Outstanding, type WorkRequest } from './request-queue.ts';

export interface BlockSessionParts {
  readonly provider: BlockProvider;
  readonly log: Logger;
  readonly aliveIntervalMs: number;
  /** Runs an answer, or throws BC_BUSY. */
  readonly admit: (answer: () => Promise<void>) => Promise<void>;
  readonly onServed: (frameBytes: number) => void;
}

export class BlockSession {
  readonly #stream: MessageStream;
  readonly #parts: BlockSessionParts;
  readonly #queue = new RequestQueue(LAN_WANTS_OUTSTANDING_MAX);
  /** Something is on its way to the client, which shows that we live. */
  #sending = false;

  constructor(stream: MessageStream, parts: BlockSessionParts) {
    this.#stream = stream;
    this.#parts = parts;
  }

  /** Until the client has ended its requests and all are answered. Rejects when the stream fails or the client breaks the protocol. */
  async run(): Promise<void> {
    const drop = (): void => this.#queue.drop();
    this.#stream.gone.addEventListener('abort', drop, { once: true });
    const reading = this.#read().catch((thrown: unknown) => {
      drop();
      throw thrown;
    });
    const outcomes = await Promise.allSettled([reading, this.#answerAll()]);
    this.#stream.gone.removeEventListener('abort', drop);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #read(): Promise<void> {
    for (;;) {
      const message = await this.#stream.receive({ patient: true });
      if (message === undefined) break;
      const request = decodeRequest(message);
      if (request.type === 'cancel') this.#queue.cancel(request.requestId);
      else await this.#queue.add(request);
    }
    this.#queue.end();
  }

  async #answerAll(): Promise<void> {
    for (let next = await this.#queue.first(); next !== undefined; next = await this.#queue.first()) {
      await this.#answer(next);
      this.#queue.done();
    }
  }

  async #answer({ request, abort }: Outstanding): Promise<void> {
    const { requestId } = request;
    const alive = setInterval(() => {
      // The stream tells its reader and the answer if it has gone.
      if (!this.#sending) this.#reply({ type: 'alive', requestId }).catch(() => undefined);
    }, this.#parts.aliveIntervalMs);
    try {
      await this.#parts.admit(() => this.#work(request, abort.signal));
    } catch (thrown) {
      // Nobody is there to be told.
      if (this.#stream.gone.aborted) throw thrown;
      const error = asBranchcastError(thrown);
      this.#parts.log[hasCode(error, 'BC_INTERNAL') ? 'error' : 'debug']({ err: error, peerId: this.#stream.remotePeerId, request: request.type }, 'a request was not served');
      await this.#reply(errorReply(requestId, error));
    } finally {
      clearInterval(alive);
    }
  }

  async #work(request: WorkRequest, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const { provider } = this.#parts;
    const { requestId } = request;
    if (request.type === 'resolve') {
      const layer = await provider.resolveLayer(request.ref, signal);
      throwIfAborted(signal);
      await this.#reply({ type: 'layer', requestId, layer });
      return;
    }
    const missing = new Set<Digest>(request.type === 'want' ? request.digests : []);
    const frames = request.type === 'want' ? provider.frames(request.digests, signal) : provider.manifestFrames(request.root, request.have, signal);
    for await (const frame of frames) {
      throwIfAborted(signal);
      await this.#reply({ type: 'frame', requestId, frame });
      this.#parts.onServed(frame.byteLength);
      for (const { digest } of parseFrameHeader(frame)?.chunks ?? []) missing.delete(digest);
    }
    throwIfAborted(signal);
    if (missing.size > 0) await this.#reply({ type: 'missing', requestId, digests: [...missing] });
    await this.#reply({ type: 'end', requestId });
  }

  async #reply(reply: Reply): Promise<void> {
    this.#sending = true;
    try {
      await this.#stream.send(...encodeReply(reply));
    } finally {
      this.#sending = false;
    }
  }
}
