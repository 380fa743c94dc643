/** A core that is killed with -9 while it repacks, at moments that differ: every chunk stays readable, and the run goes on where it was. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MiB } from '../../src/base/units.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { decodeFrame } from '../../src/store/frame-decode.ts';
import { CoreClient } from '../../src/wan/core-client.ts';
import { CoreSource } from '../../src/wan/core-source.ts';
import { uploadBlocks } from '../../src/wan/layer-uploader.ts';
import { each, makeLayer } from '../doubles/test-core.ts';
import { prose } from '../unit/store/chunks.ts';
import { scratchDir } from './scratch-dir.ts';

const KILLS = 5;

async function startCoreProcess(t: Test, dataDir: string): Promise<{ readonly child: ChildProcess; readonly client: CoreClient }> {
  const child = fork(new URL('./core.child.ts', import.meta.url), [dataDir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [url] = (await once(child, 'message')) as [string];
  return { child, client: new CoreClient(url) };
}

async function frameBytes(client: CoreClient, chunks: readonly Digest[]): Promise<{ whole: boolean; bytes: number }> {
  const left = new Set(chunks);
  let bytes = 0;
  for await (const frame of new CoreSource(client).fetchFrames(chunks, { signal: new AbortController().signal })) {
    bytes += frame.byteLength;
    for (const { digest } of decodeFrame(frame)) left.delete(digest);
  }
  return { whole: left.size === 0, bytes };
}

void t.test('kill -9 in mid-repack, then repack again', { timeout: 300_000 }, async (t) => {
  const dataDir = scratchDir(t);
  // Files that share their second half with the one before: a longer frame finds more of that.
  const files = Object.fromEntries(Array.from({ length: 160 }, (_, i) => [`file-${String(i).padStart(3, '0')}`, Buffer.concat([prose(100_000, i), prose(100_000, i >> 3)])]));
  const layer = makeLayer(files);
  let core = await startCoreProcess(t, dataDir);
  await uploadBlocks(core.client, each(layer.blocks), { workerCount: 1 });
  await core.client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  const before = await frameBytes(core.client, layer.chunks);
  t.ok(before.whole);

  let partly = false;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await core.client.startRepack('a');
    const wantedBytes = (layer.chunks.length * 200_000 * (kill + 1)) / (KILLS + 1);
    for (let status = await core.client.repackStatus(); (status.doneBytes ?? 0) < wantedBytes && status.state !== 'idle'; status = await core.client.repackStatus()) await setTimeout(1);
    const exited = once(core.child, 'exit');
    core.child.kill('SIGKILL');
    await exited;
    await core.client.close();
    core = await startCoreProcess(t, dataDir);
    const found = await frameBytes(core.client, layer.chunks);
    partly ||= found.bytes < before.bytes;
    t.ok(found.whole, `kill ${kill}: every chunk is there, ${found.bytes} bytes in all`);
  }

  t.ok(partly, 'what was made before a kill stayed');
  let status = await core.client.startRepack(undefined);
  while (status.askedCount > 0 || status.state === 'running') {
    await setTimeout(50);
    status = await core.client.repackStatus();
  }
  t.equal(status.state, 'idle');
  const after = await frameBytes(core.client, layer.chunks);
  t.ok(after.whole);
  t.ok(after.bytes < before.bytes, `${after.bytes} of ${before.bytes} bytes`);
  const shown = await core.client.resolveLayer('a');
  t.ok((shown?.repacked?.afterBytes ?? Number.POSITIVE_INFINITY) < before.bytes);
  const { storedBytes } = (await core.client.stats()).store;
  t.ok(storedBytes < before.bytes + MiB, `${storedBytes}: the old frames have gone`);
  t.equal(hash((await core.client.fetchBlock(layer.chunks[0] as Digest)) ?? new Uint8Array(0)), layer.chunks[0]);
  await core.client.close();
  const exited = once(core.child, 'exit');
  core.child.kill('SIGTERM');
  t.same(await exited, [0, null]);
});
