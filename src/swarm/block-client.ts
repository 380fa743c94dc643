/** The client's half of one stream of `/branchcast/blocks/1`: requests out, replies in, held to the protocol. */
import { BranchcastError, hasCode } from '../base/errors.ts';
import { LAN_ALIVE_INTERVAL_MS, LAN_ALIVE_MAX_MS } from '../base/limits/lan.ts';
import { decodeReply, encodeRequest, type Reply, type Request } from './block-messages.ts';
import type { MessageStream } from './message-stream.ts';

type WithoutId<R> = R extends { readonly requestId: number } ? Omit<R, 'requestId'> : never;
export type Answer = Exclude<Reply, { readonly type: 'error' | 'alive' }>;

/** More than a server that keeps its pace would send. */
const ALIVES_MAX = Math.ceil(LAN_ALIVE_MAX_MS / LAN_ALIVE_INTERVAL_MS);

export class BlockClient {
  readonly #stream: MessageStream;
  /** Of the peer, for messages. */
  readonly #name: string;
  readonly #onAbort: () => void;
  readonly #signal: AbortSignal;
  #lastRequestId = 0;
  #aliveCount = 0;
  #over = false;

  /** Everything ends, with the signal's reason, when it fires. */
  constructor(stream: MessageStream, name: string, signal: AbortSignal) {
    this.#stream = stream;
    this.#name = name;
    this.#signal = signal;
    this.#onAbort = () => stream.abort(signal.reason);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Sends a request; gives its number. */
  async request(request: WithoutId<Request>): Promise<number> {
    this.#lastRequestId += 1;
    await this.#stream.send(encodeRequest({ ...request, requestId: this.#lastRequestId }));
    return this.#lastRequestId;
  }

  /** The next part of the answer to the oldest request whose answer has not ended. Throws the error that the peer answers. */
  async answer(requestId: number): Promise<Answer> {
    for (;;) {
      const message = await this.#stream.receive().catch((thrown: unknown) => {
        throw hasCode(thrown, 'BC_LIMIT_EXCEEDED') ? this.broke(`broke the protocol: ${thrown.message}`, thrown) : thrown;
      });
      if (message === undefined) throw new BranchcastError('BC_CONNECTION_LOST', `${this.#name} ended the stream in the middle of an answer`);
      const reply = this.#decode(message);
      if (reply.requestId !== requestId) throw this.broke(`answered request ${reply.requestId} where ${requestId} is next`);
      if (reply.type === 'error') throw this.#theirError(reply);
      if (reply.type !== 'alive') {
        this.#aliveCount = 0;
        return reply;
      }
      this.#aliveCount += 1;
      if (this.#aliveCount > ALIVES_MAX) throw new BranchcastError('BC_TIMEOUT', `${this.#name} has sent nothing but signs of life for too long`);
    }
  }

  /** A breach of the protocol, to be thrown. */
  broke(what: string, cause?: unknown): BranchcastError {
    return new BranchcastError('BC_PROTOCOL', `${this.#name} ${what}`, { details: { source: this.#name }, ...(cause === undefined ? {} : { cause }) });
  }

  /** After the last answer. */
  async end(): Promise<void> {
    this.#leave();
    await this.#stream.close();
  }

  /** In the middle: the peer stops working for us. After `end` it does nothing. */
  abandon(): void {
    if (this.#over) return;
    this.#leave();
    this.#stream.abort(new BranchcastError('BC_CANCELLED', 'the answer is no longer wanted'));
  }

  #leave(): void {
    this.#over = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #decode(message: Uint8Array): Reply {
    try {
      return decodeReply(message);
    } catch (cause) {
      throw this.broke(`broke the protocol: ${(cause as Error).message}`, cause);
    }
  }

  #theirError({ code, message, retryAfterMs }: Extract<Reply, { readonly type: 'error' }>): BranchcastError {
    // That they were cancelled (they are shutting down) must not look like a cancel of ours.
    return new BranchcastError(code === 'BC_CANCELLED' ? 'BC_CONNECTION_LOST' : code, `${this.#name}: ${message}`, {
      details: { source: this.#name, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    });
  }
}
