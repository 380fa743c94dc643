/** Manifests out, as CAR: only the nodes that the caller lacks. */
import { pipeline, type Readable } from 'node:stream';
import { createZstdCompress } from 'node:zlib';
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import type { Digest } from '../chunking/digest.ts';
import { writeCar } from '../manifest/car.ts';
import { missingBlocks } from '../manifest/missing-blocks.ts';
import { Manifest } from '../manifest/read.ts';
import { BytesAnswer, ERRORS, type CoreApp, type CoreParts } from './core-app.ts';
import { rootOf, rootsOf } from './root-params.ts';
import { begun, streamOf } from './stream-answer.ts';

const CAR = 'application/vnd.ipld.car';

export function manifestRoutes(app: CoreApp, { store, repack, log }: CoreParts): void {
  app.get('/v1/manifests/:root', {
    config: { traffic: 'manifests' },
    schema: {
      summary: 'The nodes under a root that the manifests `have` lack, parents first', tags: ['manifests'],
      params: Type.Object({ root: Type.String({ maxLength: 100 }) }),
      querystring: Type.Object({ have: Type.Optional(Type.String({ maxLength: 100 * HAVE_ROOTS_MAX, description: 'Roots with commas between them' })) }),
      response: { 200: BytesAnswer('CARv1, zstd-encoded if the caller accepts that', CAR), ...ERRORS },
    },
  }, async ({ params, query, headers }, reply) => {
    const root = rootOf(params.root);
    if (store.has([root])[0] !== true) throw new BranchcastError('BC_LAYER_NOT_FOUND', `the core has no manifest ${params.root}`, { details: { root: params.root } });
    repack.fetched(root);
    const read = (digest: Digest): Promise<Uint8Array | undefined> => store.get(digest);
    // What the caller has and the core does not know is a hint that does not help.
    const haves = rootsOf(query.have ?? '').filter((have) => store.has([have])[0] === true);
    const blocks = missingBlocks(new Manifest(root, read), haves.map((have) => new Manifest(have, read)));
    const car = streamOf(writeCar([root], await begun(blocks)));
    car.once('error', (error) => log.error({ err: error, root: params.root }, 'a manifest could not be sent to its end'));
    void reply.type(CAR).header('vary', 'accept-encoding');
    if (!acceptsZstd(headers['accept-encoding'])) return reply.send(car);
    return reply.header('content-encoding', 'zstd').send(compressed(car));
  });
}

function compressed(plain: Readable): Readable {
  const encoder = createZstdCompress();
  // An error of the source ends the answer before its end, and a caller that goes ends the source.
  pipeline(plain, encoder, () => undefined);
  return encoder;
}

/** `zstd` among the codings, and not with q=0 (RFC 9110, section 12.5.3). */
function acceptsZstd(header: string | undefined): boolean {
  return (header ?? '').split(',').some((coding) => /^\s*zstd\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}
