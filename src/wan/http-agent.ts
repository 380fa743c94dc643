/**
 * The connections of an HTTP client, by undici. Only the parts that a request needs: undici as a whole brings fetch, WebSocket, caches and mocks along, and takes 120 ms to load where these take 55, which is
 * a tenth of publishing a small tree. Their types are those of the whole. Where they stand in the package is nobody's promise: package.json names the one version.
 */
import type { Agent as UndiciAgent, Dispatcher } from 'undici';
// @ts-expect-error: parts have no types of their own
import AgentPart from 'undici/lib/dispatcher/agent.js';
// @ts-expect-error: nor has this one
import requestPart from 'undici/lib/api/api-request.js';

const Agent = AgentPart as typeof UndiciAgent;
const request = requestPart as (this: Dispatcher, options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;

export class HttpAgent {
  readonly #agent: UndiciAgent;

  /** HTTP/1.1 alone, also over TLS: HTTP/2 stalls in the field, and the bundle has no code for it (scripts/build.ts). */
  constructor(options: Omit<UndiciAgent.Options, 'allowH2'>) {
    this.#agent = new Agent({ ...options, allowH2: false });
  }

  /** Resolves when the head of the answer is there. Rejects with undici's errors. */
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    return request.call(this.#agent, options);
  }

  /** Ends every request under way. May be called twice. */
  async destroy(): Promise<void> {
    await this.#agent.destroy();
  }
}
