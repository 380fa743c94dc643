/** The core's HTTP API, put together: routes by resource, described by OpenAPI at /openapi.json, every byte counted. */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { createHttpApi, type HttpApi } from '../base/http-api.ts';
import { CORE_CONNECTIONS_MAX, COMMIT_TIMEOUT_MS } from '../base/limits/wan.ts';
import { exposeCounter, exposeGauge } from '../base/metrics.ts';
import { VERSION } from '../base/version.ts';
import type { Logger } from '../base/log.ts';
import { blockRoutes } from './block-routes.ts';
import type { CoreParts } from './core-app.ts';
import { countTraffic } from './count-traffic.ts';
import { deltaRoutes } from './delta-routes.ts';
import { frameRoutes } from './frame-routes.ts';
import { layerRoutes } from './layer-routes.ts';
import { manifestRoutes } from './manifest-routes.ts';
import { repackRoutes } from './repack-routes.ts';
import { siteRoutes } from './site-routes.ts';
import { Traffic } from './traffic.ts';
import { upkeepRoutes } from './upkeep-routes.ts';

const PUBLISHING: ReadonlySet<string> = new Set(['/v1/frames', '/v1/layers']);
const ROUTES = [layerRoutes, blockRoutes, deltaRoutes, frameRoutes, manifestRoutes, siteRoutes, upkeepRoutes, repackRoutes];

/** Ready to listen once `app.ready()` has resolved. `makeParts` is given the traffic counts, which the API keeps. */
export function createCoreApi(log: Logger, makeParts: (traffic: Traffic) => CoreParts): HttpApi & { readonly parts: CoreParts } {
  let parts: CoreParts | undefined;
  const api = createHttpApi({
    role: 'core',
    log,
    prepare: describeRoutes,
    health: () => (parts === undefined ? {} : { layerCount: parts.catalog.layerCount, cursor: parts.catalog.cursor }),
  });
  const { app, metrics } = api;
  const made = makeParts(new Traffic(metrics));
  parts = made;
  countTraffic(app, made.traffic);
  noticePublishers(app, made);
  for (const routes of ROUTES) {
    // A plugin for each: what it says of bodies holds for its own routes.
    app.register((scope, _options, done) => {
      routes(scope.withTypeProvider<TypeBoxTypeProvider>(), made);
      done();
    });
  }
  exposeGauge(metrics, 'branchcast_core_layers', 'Layers in the catalog', () => made.catalog.layerCount);
  exposeGauge(metrics, 'branchcast_core_chunks', 'Chunks and nodes in the store', () => made.store.stats().chunkCount);
  exposeGauge(metrics, 'branchcast_core_stored_bytes', 'Bytes of packs on the disk', () => made.store.stats().storedBytes);
  exposeGauge(metrics, 'branchcast_core_corrupt_chunks', 'Chunks that did not read back right, since the start', () => made.store.stats().corruptCount);
  exposeCounter(metrics, 'branchcast_core_repacked_layers_total', 'Layers repacked for the WAN', () => made.repack.status.layerCount);
  exposeCounter(metrics, 'branchcast_core_repack_saved_bytes_total', 'Bytes by which first copies became smaller', () => made.repack.status.savedBytes);
  exposeCounter(metrics, 'branchcast_core_repack_freed_bytes_total', 'Bytes of packs that went since their chunks were repacked', () => made.repack.status.freedBytes);
  exposeGauge(metrics, 'branchcast_core_waiting_callers', 'Callers that wait for a new layer', () => made.changes.waiterCount);
  exposeCounter(metrics, 'branchcast_core_deltas_made_total', 'Pairs of versions for which deltas were made', () => made.deltas?.figures.madeSets ?? 0);
  exposeCounter(metrics, 'branchcast_core_delta_frames_total', 'Delta frames sent', () => made.deltas?.figures.sentFrames ?? 0);
  exposeCounter(metrics, 'branchcast_core_delta_bytes_total', 'Bytes of delta frames sent', () => made.deltas?.figures.sentBytes ?? 0);
  exposeCounter(metrics, 'branchcast_core_delta_saved_bytes_total', 'Bytes that delta frames saved on the way to sites', () => made.deltas?.figures.savedBytes ?? 0);
  exposeGauge(metrics, 'branchcast_core_delta_cache_bytes', 'Bytes of deltas kept on the disk', () => made.deltas?.cachedBytes ?? 0);
  app.server.maxConnections = CORE_CONNECTIONS_MAX;
  // The longest silence of a healthy connection is a commit's.
  app.server.setTimeout(COMMIT_TIMEOUT_MS);
  return { ...api, parts: made };
}

/** While frames or a commit arrive, and for a while after, is no time to repack. */
function noticePublishers(app: FastifyInstance, { quiet, repack }: CoreParts): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'POST' || !PUBLISHING.has(request.routeOptions.url ?? '')) return;
    const end = quiet.begin();
    reply.raw.once('close', () => {
      end();
      repack.wake();
    });
  });
}

function describeRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'branchcast core', version: VERSION, description: 'Layers, manifests and chunks for the sites of a fleet. docs/protocols.md says what the calls are for.' },
      tags: [
        { name: 'layers', description: 'What is published' },
        { name: 'blocks', description: 'Chunks and nodes by digest' },
        { name: 'frames', description: 'Frames in, packs out' },
        { name: 'manifests', description: 'Merkle trees as CAR' },
        { name: 'sites', description: 'Who has reported in' },
        { name: 'upkeep', description: 'How the core is' },
      ],
    },
  });
  app.register((scope, _options, done) => {
    scope.get('/openapi.json', { schema: { summary: 'This description', response: { 200: { type: 'object', additionalProperties: true } } } }, () => app.swagger());
    done();
  });
}
