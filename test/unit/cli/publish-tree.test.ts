/** Publishing a directory against a core that listens on loopback. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CHANGE_TIME_GRAIN_MS } from '../../../src/base/limits/trees.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { Invocation } from '../../../src/cli/command.ts';
import { publishTree, type PublishedTree } from '../../../src/cli/publish-tree.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { startTestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

const invocation: Invocation = { signal: new AbortController().signal, progress: { update: () => undefined, clear: () => undefined } };

/** Counts what is asked before a commit. */
class CountingClient extends CoreClient {
  missingCount = 0;

  override missing(digests: readonly Digest[], options?: Parameters<CoreClient['missing']>[1]): Promise<boolean[]> {
    this.missingCount += 1;
    return super.missing(digests, options);
  }
}

async function startCore(t: Test, dir: string): Promise<CountingClient> {
  const core = await startTestCore(dir);
  const client = new CountingClient(core.url, { backoffFirstMs: 1 });
  t.teardown(async () => {
    await client.close();
    await core.close();
  });
  return client;
}

void t.test('a directory that has not changed', async (t) => {
  const root = scratchDirectory(t);
  const [dir, cachePath] = [join(root, 'tree'), join(root, 'cache', 'tree')];
  mkdirSync(dir);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, name), `content of ${name}`);
  // A change time that is not older than this is not believed yet.
  await new Promise((resolve) => setTimeout(resolve, 2 * CHANGE_TIME_GRAIN_MS));
  const publish = (client: CoreClient, version: string, changes: { readonly kind?: 'app' } = {}): Promise<PublishedTree> =>
    publishTree(client, { dir, name: 'base/tree', version, kind: 'base', parent: undefined, cachePath, ahead: undefined, forceRead: false, workerCount: 1, ...changes }, invocation);

  const client = await startCore(t, join(root, 'core-1'));
  const first = await publish(client, '1');
  t.ok(first.upload.newChunkCount > 0);
  const asked = client.missingCount;
  const second = await publish(client, '2');
  t.equal(client.missingCount, asked, 'a core that has it is asked for nothing but the commit');
  t.equal(second.layer.root, first.layer.root);
  t.equal(second.upload.uploadBytes, 0);
  t.equal(second.capture.stats.fileCount, 3);

  const app = await publish(client, '3', { kind: 'app' });
  t.equal(app.upload.sentCount, 1, 'another kind has another descriptor, which is all that is sent');
  t.equal(app.layer.root, first.layer.root);

  const other = await startCore(t, join(root, 'core-2'));
  const elsewhere = await publish(other, '1');
  t.equal(elsewhere.layer.root, first.layer.root);
  t.equal(elsewhere.upload.chunkCount, first.upload.chunkCount);
  t.equal(elsewhere.upload.sentCount, elsewhere.upload.uniqueCount - 1, 'a core that has nothing of it gets everything; the descriptor was sent before it was known that the rest is lacking');

  writeFileSync(join(dir, 'b'), 'other content');
  const changed = await publish(client, '4');
  t.not(changed.layer.root, first.layer.root);
  await t.rejects(publish(client, '1'), { code: 'BC_LAYER_EXISTS' });
});
