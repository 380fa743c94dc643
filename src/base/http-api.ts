/**
 * The HTTP server that every daemon has: errors from the one table, health, Prometheus metrics. A role adds its routes.
 */
import { Registry, collectDefaultMetrics } from 'prom-client';
import { fastify, type FastifyInstance } from 'fastify';
import type { HostPort } from './setting.ts';
import { asBranchcastError, BranchcastError, type ErrorCode } from './errors.ts';
import type { Logger } from './log.ts';
import { API_CLOSE_GRACE_MS, API_REQUEST_BYTES_MAX } from './limits/daemons.ts';
import { VERSION } from './version.ts';

export interface HttpApi {
  readonly app: FastifyInstance;
  readonly metrics: Registry;
  /** Starts to listen; `http://host:port`. Throws BC_ADDRESS_IN_USE. */
  listen(address: HostPort): Promise<string>;
  /** Ends idle connections at once and busy ones after a grace. */
  close(): Promise<void>;
}

export interface HttpApiOptions {
  readonly role: string;
  readonly log: Logger;
  /** Registers plugins that must see every route, such as the one that describes them. */
  prepare?(app: FastifyInstance): void;
  /** Further facts for `GET /v1/health`. */
  health?(): Readonly<Record<string, unknown>>;
}

/** What every role says; each adds facts of its own. */
const HEALTH = {
  type: 'object',
  required: ['ok', 'role', 'version', 'startedAt'],
  properties: { ok: { type: 'boolean' }, role: { type: 'string' }, version: { type: 'string' }, startedAt: { type: 'string' } },
  additionalProperties: true,
};

export function createHttpApi(options: HttpApiOptions): HttpApi {
  const { role, log } = options;
  const startedAt = new Date().toISOString();
  const metrics = new Registry();
  metrics.setDefaultLabels({ role });
  collectDefaultMetrics({ register: metrics });

  const app = fastify({ bodyLimit: API_REQUEST_BYTES_MAX, exposeHeadRoutes: false, forceCloseConnections: 'idle', routerOptions: { maxParamLength: 1024 } });
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromHttp(thrown);
    if (error.code === 'BC_INTERNAL') log.error({ err: error, url: request.url }, 'a request failed');
    return reply.status(error.kind.http).send(errorBody(error));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new BranchcastError('BC_NOT_FOUND', `no such route: ${request.method} ${request.url}`);
    return reply.status(404).send(errorBody(error));
  });
  options.prepare?.(app);
  // In a plugin of their own, since plugins run in order: what `prepare` registered sees these routes too.
  app.register((routes, _options, done) => {
    routes.get('/v1/health', { schema: { summary: 'Whether this daemon serves, and since when', response: { 200: HEALTH } } }, () => ({ ok: true, role, version: VERSION, startedAt, ...options.health?.() }));
    routes.get('/metrics', { schema: { summary: 'Prometheus metrics', response: { 200: { type: 'string' } } } }, async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
    done();
  });

  return {
    app,
    metrics,
    async listen({ host, port }) {
      try {
        return await app.listen({ host, port });
      } catch (thrown) {
        throw asBranchcastError(thrown);
      }
    },
    async close() {
      const force = setTimeout(() => app.server.closeAllConnections(), API_CLOSE_GRACE_MS);
      await app.close();
      clearTimeout(force);
    },
  };
}

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly details: BranchcastError['details'] };
}

export function errorBody(error: BranchcastError): ErrorBody {
  return { error: { code: error.code, message: error.message, details: error.details } };
}

/** Fastify's own refusals (bad JSON, too large, schema) carry a statusCode below 500: the caller's fault. */
function fromHttp(thrown: unknown): BranchcastError {
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : undefined;
  if (!(thrown instanceof BranchcastError) && status !== undefined && status < 500) {
    return new BranchcastError(status === 413 ? 'BC_LIMIT_EXCEEDED' : 'BC_USAGE', (thrown as Error).message, { cause: thrown });
  }
  return asBranchcastError(thrown);
}
