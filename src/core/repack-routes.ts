/** Repacking of layers for the WAN: how it stands, and a way to ask for it. */
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { RepackStatusJson } from '../wan/api-messages.ts';
import { parseLayerRef } from '../wan/layer-ref.ts';
import { ERRORS, type CoreApp, type CoreParts } from './core-app.ts';

export function repackRoutes(app: CoreApp, { catalog, repack }: CoreParts): void {
  app.get('/v1/repack', {
    schema: { summary: 'What is being repacked, and what came of it since the start', tags: ['upkeep'], response: { 200: RepackStatusJson, ...ERRORS } },
  }, async () => repack.status);

  app.post('/v1/repack', {
    schema: {
      summary: 'Repack a layer now, or the newest version of every name', tags: ['upkeep'],
      querystring: Type.Object({ layer: Type.Optional(Type.String({ minLength: 1, description: '`name@version`, `name` or a root' })) }),
      response: { 202: RepackStatusJson, ...ERRORS },
    },
  }, async ({ query }, reply) => {
    const layers = query.layer === undefined ? await catalog.newest() : [catalog.resolve(parseLayerRef(query.layer))];
    const known = layers.filter((layer) => layer !== undefined);
    if (known.length < layers.length) throw new BranchcastError('BC_LAYER_NOT_FOUND', `the core has no layer ${query.layer}`, { details: { ref: String(query.layer) } });
    return reply.status(202).send(repack.ask(known));
  });
}
