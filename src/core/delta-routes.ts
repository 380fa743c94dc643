/** What a site lacks of a version, as deltas against a version that it holds. */
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { DELTA_ANSWERS_MAX } from '../base/limits/deltas.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import { decodeDigests, DIGEST_LIST_BYTES_MAX } from '../wan/digest-list.ts';
import { BytesAnswer, DigestsBody, ERRORS, OCTETS, type CoreApp, type CoreParts } from './core-app.ts';
import { Gate } from './gate.ts';
import { rootOf, rootsOf } from './root-params.ts';
import { begun, callerGone, streamOf } from './stream-answer.ts';

/** Without `deltas` there is no such route, as in a core that knows of none: callers fetch the chunks themselves. */
export function deltaRoutes(app: CoreApp, { store, deltas }: CoreParts): void {
  if (deltas === undefined) return;
  const answers = new Gate('answers with deltas', DELTA_ANSWERS_MAX, 0);
  app.addContentTypeParser(OCTETS, { parseAs: 'buffer', bodyLimit: DIGEST_LIST_BYTES_MAX }, (_request, body, done) => done(null, body));

  app.post('/v1/deltas/:root', {
    config: { traffic: 'chunks' },
    schema: {
      summary: 'Chunks of a version as deltas against one of the versions `have`, as far as that saves enough', tags: ['blocks'], consumes: [OCTETS],
      params: Type.Object({ root: Type.String({ maxLength: 100 }) }),
      querystring: Type.Object({ have: Type.String({ maxLength: 100 * HAVE_ROOTS_MAX, description: 'Roots with commas between them' }) }),
      body: DigestsBody, response: { 200: BytesAnswer('Delta frames, one after the other; what does not come is to be asked for in other ways'), ...ERRORS },
    },
  }, async ({ params, query, body }, reply) => {
    const root = rootOf(params.root);
    if (store.has([root])[0] !== true) throw new BranchcastError('BC_LAYER_NOT_FOUND', `the core has no manifest ${params.root}`, { details: { root: params.root } });
    const gone = callerGone(reply);
    const leave = await answers.enter(gone);
    reply.raw.once('close', leave);
    return reply.type(OCTETS).send(streamOf(await begun(deltas.answer(root, rootsOf(query.have), decodeDigests(body), gone))));
  });
}
