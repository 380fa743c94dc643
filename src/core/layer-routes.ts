/** Layers: list, find, commit, and hear of new ones. */
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { LAYERS_PER_ANSWER_MAX } from '../base/limits/wan.ts';
import { ChangesQuery, CommitJson, LayerJson, LayersJson, LayersQuery, layerToJson, type PublishedLayer } from '../wan/api-messages.ts';
import { parseLayerRef } from '../wan/layer-ref.ts';
import { ERRORS, type CoreApp, type CoreParts } from './core-app.ts';
import { callerGone } from './stream-answer.ts';

export function layerRoutes(app: CoreApp, { catalog, committer, changes, repack, closing }: CoreParts): void {
  app.get('/v1/layers', {
    schema: { summary: 'Layers in the order of their commits, from `after` on', tags: ['layers'], querystring: LayersQuery, response: { 200: LayersJson, ...ERRORS } },
  }, async ({ query }) => page(await catalog.list(query.after ?? 0, LAYERS_PER_ANSWER_MAX, query.name), query.after ?? 0));

  app.get('/v1/layers/:ref', {
    schema: {
      summary: 'One layer: `name@version`, `name` for the version committed last, or a root',
      tags: ['layers'], params: Type.Object({ ref: Type.String({ minLength: 1 }) }), response: { 200: LayerJson, ...ERRORS },
    },
  }, async ({ params }) => {
    const layer = catalog.resolve(parseLayerRef(params.ref));
    if (layer === undefined) throw new BranchcastError('BC_LAYER_NOT_FOUND', `the core has no layer ${params.ref}`, { details: { ref: params.ref } });
    const repacked = repack.of(layer);
    return { ...layerToJson(layer), ...(repacked === undefined ? {} : { repacked }) };
  });

  app.post('/v1/layers', {
    schema: { summary: 'Commit a layer whose manifest and chunks are stored; the same again is a success', tags: ['layers'], body: CommitJson, response: { 200: LayerJson, 201: LayerJson, ...ERRORS } },
  }, async ({ body }, reply) => {
    const { layer, isNew } = await committer.commit(body, callerGone(reply));
    return reply.status(isNew ? 201 : 200).send(layerToJson(layer));
  });

  app.get('/v1/changes', {
    schema: { summary: 'Layers committed after `after`; waits up to `waitMs` for one', tags: ['layers'], querystring: ChangesQuery, response: { 200: LayersJson, ...ERRORS } },
  }, async ({ query }, reply) => {
    // A cursor beyond the last commit is from another life of this core: its caller starts over.
    const after = (query.after ?? 0) > catalog.cursor ? 0 : (query.after ?? 0);
    if (after === catalog.cursor) await changes.wait(query.waitMs ?? 0, AbortSignal.any([callerGone(reply), closing]));
    return page(await catalog.list(after, LAYERS_PER_ANSWER_MAX), after);
  });
}

function page(layers: readonly PublishedLayer[], after: number): { layers: LayerJson[]; cursor: number } {
  return { layers: layers.map(layerToJson), cursor: layers.at(-1)?.sequence ?? after };
}
