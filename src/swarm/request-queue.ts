/** The requests of one stream that wait for their answer: in order, bounded, each one cancellable. */
import { BranchcastError } from '../base/errors.ts';
import type { Request } from './block-messages.ts';

export type WorkRequest = Exclude<Request, { readonly type: 'cancel' }>;

export interface Outstanding {
  readonly request: WorkRequest;
  /** Fires when the request is cancelled, or its client has gone. */
  readonly abort: AbortController;
}

export class RequestQueue {
  readonly #countMax: number;
  /** The first one is being answered. */
  #outstanding: Outstanding[] = [];
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Resolves when there is room for it: who reads requests must wait for that. BC_PROTOCOL if the number is taken. */
  async add(request: WorkRequest): Promise<void> {
    while (this.#outstanding.length >= this.#countMax && !this.#ended) await this.#changed.promise;
    if (this.#ended) return;
    if (this.#outstanding.some((other) => other.request.requestId === request.requestId)) {
      throw new BranchcastError('BC_PROTOCOL', `the peer has two requests with the number ${request.requestId}`);
    }
    this.#outstanding.push({ request, abort: new AbortController() });
    this.#change();
  }

  /** The first request, which stays outstanding until `done`; undefined after `end`, when none is left. */
  async first(): Promise<Outstanding | undefined> {
    while (this.#outstanding.length === 0 && !this.#ended) await this.#changed.promise;
    return this.#outstanding[0];
  }

  done(): void {
    this.#outstanding.shift();
    this.#change();
  }

  cancel(requestId: number): void {
    this.#outstanding.find(({ request }) => request.requestId === requestId)?.abort.abort(new BranchcastError('BC_CANCELLED', 'the client cancelled the request'));
  }

  /** No more requests will come; those that are here are still answered. */
  end(): void {
    this.#ended = true;
    this.#change();
  }

  /** The client has gone: nothing is answered any more. */
  drop(): void {
    for (const { abort } of this.#outstanding) abort.abort(new BranchcastError('BC_CANCELLED', 'the client has gone'));
    this.#outstanding = [];
    this.end();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
