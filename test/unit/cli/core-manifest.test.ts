import { join } from 'node:path';
import t from 'tap';
import type { Digest } from '../../../src/chunking/digest.ts';
import { CoreManifests } from '../../../src/cli/core-manifest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { each, makeLayer, noiseFiles, startTestCore } from '../../doubles/test-core.ts';

const signal = AbortSignal.timeout(60_000);
const core = await startTestCore(join(t.testdir(), 'core'));
const publisher = new CoreClient(core.url);
t.teardown(async () => {
  await publisher.close();
  await core.close();
});

const files = noiseFiles(3000, 8);
const roots: Digest[] = [];
for (const version of [1, 2, 3]) {
  const layer = makeLayer({ ...files, [`file-00${version}`]: Buffer.from(`version ${version}`) });
  await uploadBlocks(publisher, each(layer.blocks), { signal });
  roots.push(layer.root);
}

/** Manifest bytes as they came. */
async function receivedBytes(work: (manifests: CoreManifests) => Promise<void>): Promise<number> {
  const client = new CoreClient(core.url);
  try {
    await work(new CoreManifests(client, signal));
    return client.receivedBytes.manifests;
  } finally {
    await client.close();
  }
}

async function entryCount(manifests: CoreManifests, root: Digest): Promise<number> {
  let count = 0;
  for await (const { from, to } of (await manifests.open(root)).leaves()) count += to - from;
  return count;
}

await t.test('several at once: what they share comes once, as if one were opened after the other', async (t) => {
  const inTurn = await receivedBytes(async (manifests) => {
    for (const root of roots) t.equal(await entryCount(manifests, root), 3002);
  });
  const atOnce = await receivedBytes(async (manifests) => {
    t.same(await Promise.all([...roots, ...roots].map((root) => entryCount(manifests, root))), roots.flatMap(() => [3002, 3002]));
  });
  const one = await receivedBytes(async (manifests) => void (await entryCount(manifests, roots[0] as Digest)));
  t.equal(atOnce, inTurn);
  t.ok(inTurn < 2 * one, `${inTurn} bytes for three, ${one} for one`);
});

await t.test('what is counted is what those before it lack', async (t) => {
  await receivedBytes(async (manifests) => {
    const { cost: whole } = await manifests.openCounted(roots[0] as Digest);
    const { cost: rest, manifest } = await manifests.openCounted(roots[1] as Digest);
    t.ok(rest.nodeCount > 0 && rest.nodeCount < whole.nodeCount / 4 && rest.nodeBytes < whole.nodeBytes && rest.wireBytes < whole.wireBytes);
    t.equal(manifest.root, roots[1]);
    const { cost: nothing } = await manifests.openCounted(roots[1] as Digest);
    t.match(nothing, { nodeCount: 0, nodeBytes: 0 });
  });
});

await t.test('one that is not there does not stand in the way of the next', async (t) => {
  await receivedBytes(async (manifests) => {
    const lacking = manifests.open(hash(Buffer.from('nothing')));
    const next = entryCount(manifests, roots[0] as Digest);
    await t.rejects(lacking, { code: 'BC_LAYER_NOT_FOUND' });
    t.equal(await next, 3002);
  });
});
