/** A core of its own process, killed with -9 in the middle of a publish, at moments that differ: what it answered for stays, nothing half-visible does. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { CoreClient } from '../../src/wan/core-client.ts';
import { CoreSource } from '../../src/wan/core-source.ts';
import { uploadBlocks } from '../../src/wan/layer-uploader.ts';
import { decodeFrame } from '../../src/store/frame-decode.ts';
import { each, makeLayer, noiseFiles } from '../doubles/test-core.ts';
import { scratchDir } from './scratch-dir.ts';

interface CoreProcess {
  readonly child: ChildProcess;
  readonly url: string;
}

async function startCoreProcess(t: Test, dataDir: string): Promise<CoreProcess> {
  const child = fork(new URL('./core.child.ts', import.meta.url), [dataDir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

void t.test('kill -9 in mid-publish, then publish again', async (t) => {
  const dataDir = scratchDir(t);
  const layer = makeLayer(noiseFiles(60, 200_000));
  let stored = 0;
  for (const uploadsBeforeKill of [0, 1, 2]) {
    const core = await startCoreProcess(t, dataDir);
    const client = new CoreClient(core.url, { retriesMax: 0 });
    t.same(await client.listLayers(), [], 'nothing is visible before a commit');
    t.ok((await client.stats()).store.chunkCount >= stored, 'what was answered for is still there');
    let uploads = 0;
    let killed: Promise<void> | undefined;
    const onProgress = ({ newChunkCount }: { readonly newChunkCount: number }): void => {
      uploads += 1;
      stored = Math.max(stored, newChunkCount);
      if (uploads > uploadsBeforeKill) killed ??= kill(core.child);
    };
    await t.rejects(uploadBlocks(client, each(layer.blocks), { onProgress, workerCount: 1 }).then(async () => {
      killed ??= kill(core.child);
      await killed;
      await client.health();
    }), { name: 'BranchcastError' });
    await killed;
    await client.close();
  }
  t.ok(stored > 0);

  const core = await startCoreProcess(t, dataDir);
  const client = new CoreClient(core.url);
  const report = await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  t.ok(report.sentCount < layer.blocks.length, `${report.sentCount} of ${layer.blocks.length} blocks were sent again`);
  const published = await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });

  // Killed right after the commit was answered: it is durable.
  await kill(core.child);
  await client.close();
  const again = await startCoreProcess(t, dataDir);
  const second = new CoreClient(again.url);
  t.same(await second.resolveLayer('a'), published);
  const chunks = new Set<string>();
  for await (const frame of new CoreSource(second).fetchFrames(layer.chunks, { signal: new AbortController().signal })) for (const { digest } of decodeFrame(frame)) chunks.add(digest);
  t.equal(chunks.size, layer.chunks.length);
  await second.close();
  const exited = once(again.child, 'exit');
  again.child.kill('SIGTERM');
  t.same(await exited, [0, null], 'SIGTERM ends it in order');
});
