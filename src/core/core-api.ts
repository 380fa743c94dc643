/** The core's HTTP API, put together: routes by resource, described by OpenAPI at /openapi.json, every byte counted. */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { createHttpApi, type HttpApi } from '../base/http-api.ts';
import { CORE_CONNECTIONS_MAX, COMMIT_TIMEOUT_MS } from '../base/limits.ts';
import { exposeGauge } from '../base/metrics.ts';
import { VERSION } from '../base/version.ts';
import type { Logger } from '../base/log.ts';
import { blockRoutes } from './block-routes.ts';
import type { CoreParts } from './core-app.ts';
import { countTraffic } from './count-traffic.ts';
import { frameRoutes } from './frame-routes.ts';
import { layerRoutes } from './layer-routes.ts';
import { manifestRoutes } from './manifest-routes.ts';
import { siteRoutes } from './site-routes.ts';
import { Traffic } from './traffic.ts';
import { upkeepRoutes } from './upkeep-routes.ts';

const ROUTES = [layerRoutes, blockRoutes, frameRoutes, manifestRoutes, siteRoutes, upkeepRoutes];

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
  exposeGauge(metrics, 'branchcast_core_waiting_callers', 'Callers that wait for a new layer', () => made.changes.waiterCount);
  app.server.maxConnections = CORE_CONNECTIONS_MAX;
  // The longest silence of a healthy connection is a commit's.
  app.server.setTimeout(COMMIT_TIMEOUT_MS);
  return { ...api, parts: made };
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
