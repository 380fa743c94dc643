/**
 * Requests over the WAN: several HTTP/1.1 connections (HTTP/2 stalls in the field), deadlines on silence, retries with
 * backoff for what passes by itself, and a count of the bytes that came. Every request of the API may be sent twice.
 */
import type { Readable } from 'node:stream';
import { BranchcastError, throwIfAborted } from '../base/errors.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { ANSWER_BYTES_MAX, WAN_CONNECT_TIMEOUT_MS, WAN_CONNECTIONS_MAX, WAN_RETRIES_MAX, WAN_STALL_TIMEOUT_MS } from '../base/limits/wan.ts';
import { backoffMs, isTransient } from './backoff.ts';
import { HttpAgent } from './http-agent.ts';
import { errorOfAnswer, networkError } from './network-error.ts';

/** What bytes on the WAN are for. */
export type TrafficKind = 'chunks' | 'manifests' | 'other';

export interface TransportOptions {
  /** Names the caller's site to the core, which counts by it. */
  readonly site?: string | undefined;
  readonly connectTimeoutMs?: number;
  /** No byte for this long: the request is dead. */
  readonly stallTimeoutMs?: number;
  /** Tries after the first. */
  readonly retriesMax?: number;
  readonly backoffFirstMs?: number;
  readonly clock?: Clock;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface HttpCall extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** From `/v1` on, encoded. */
  readonly path: string;
  readonly kind: TrafficKind;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The other side may think for this long before it answers. */
  readonly answerTimeoutMs?: number;
  readonly retriesMax?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Must be read to its end or returned early; errors are BranchcastErrors. */
  readonly body: AsyncGenerator<Uint8Array, void, undefined>;
}

export class HttpTransport {
  readonly url: string;
  /** Body bytes that came, as they stood on the wire. */
  readonly receivedBytes: Record<TrafficKind, number> = { chunks: 0, manifests: 0, other: 0 };
  readonly stallTimeoutMs: number;
  readonly #agent: HttpAgent;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #options: TransportOptions;
  readonly #clock: Clock;

  constructor(url: string, options: TransportOptions = {}) {
    const parsed = URL.parse(url);
    if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
      throw new BranchcastError('BC_CONFIG_INVALID', `"${url}" is no address of a core; write it like http://core:7400`);
    }
    this.#origin = parsed.origin;
    this.#basePath = parsed.pathname.replace(/\/+$/, '');
    this.url = `${this.#origin}${this.#basePath}`;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.stallTimeoutMs = options.stallTimeoutMs ?? WAN_STALL_TIMEOUT_MS;
    this.#agent = new HttpAgent({
      // One more than the bulk may take is for the call that waits for new layers.
      connections: WAN_CONNECTIONS_MAX + 1,
      pipelining: 1,
      connect: { timeout: options.connectTimeoutMs ?? WAN_CONNECT_TIMEOUT_MS },
      headersTimeout: this.stallTimeoutMs,
      bodyTimeout: this.stallTimeoutMs,
    });
  }

  /** The whole answer, at most ANSWER_BYTES_MAX; retried until it is there. */
  async call(call: HttpCall): Promise<Uint8Array> {
    return this.#retrying(call, async () => {
      const answer = await this.#send(call);
      return readAll(answer.body, this.url);
    });
  }

  /** An answer to be read as it comes; retried until it starts. What breaks later is the reader's to resume. */
  async open(call: HttpCall): Promise<HttpAnswer> {
    return this.#retrying(call, () => this.#send(call));
  }

  /** Ends every request under way. May be called twice. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #retrying<T>(call: HttpCall, attempt: () => Promise<T>): Promise<T> {
    const retriesMax = call.retriesMax ?? this.#options.retriesMax ?? WAN_RETRIES_MAX;
    for (let retry = 0; ; retry += 1) {
      throwIfAborted(call.signal);
      try {
        return await attempt();
      } catch (thrown) {
        const error = networkError(thrown, this.url, call.signal);
        if (!isTransient(error) || retry >= retriesMax) throw error;
        await this.pause(retry, error, call.signal);
      }
    }
  }

  /** Waits before the next try of what failed with `error`; throws BC_CANCELLED. */
  async pause(retry: number, error: BranchcastError, signal: AbortSignal | undefined): Promise<void> {
    const { retryAfterMs } = error.details;
    const pauseMs = backoffMs(retry, Math.random(), this.#options.backoffFirstMs, typeof retryAfterMs === 'number' ? retryAfterMs : 0);
    await this.#clock.sleep(pauseMs, signal).catch((reason: unknown) => {
      throw networkError(reason, this.url, signal);
    });
  }

  async #send(call: HttpCall): Promise<HttpAnswer> {
    const { site } = this.#options;
    const answer = await this.#agent.request({
      origin: this.#origin,
      path: this.#basePath + call.path,
      method: call.method,
      headers: { ...(site === undefined ? {} : { 'branchcast-site': site }), ...call.headers },
      body: call.body ?? null,
      signal: call.signal ?? null,
      ...(call.answerTimeoutMs === undefined ? {} : { headersTimeout: call.answerTimeoutMs }),
    });
    // Errors are counted apart, as the core does.
    const body = this.#counted(answer.body, answer.statusCode < 400 ? call.kind : 'other', call.signal);
    if (answer.statusCode >= 400) throw errorOfAnswer(answer.statusCode, await readAll(body, this.url), this.url);
    return { status: answer.statusCode, headers: answer.headers, body };
  }

  async *#counted(body: Readable, kind: TrafficKind, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        this.receivedBytes[kind] += piece.byteLength;
        yield piece;
      }
    } catch (thrown) {
      throw networkError(thrown, this.url, signal);
    }
  }
}

async function readAll(body: AsyncIterable<Uint8Array>, url: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new BranchcastError('BC_PROTOCOL', `core ${url}: an answer of more than ${ANSWER_BYTES_MAX} bytes`, { details: { url } });
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}
