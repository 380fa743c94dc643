/** What `layer plan` says before a pull is what the pull then does: two captured trees, a core on loopback, an endpoint that has only the core. */
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pullLayer, type PullResult } from '../../../src/agent/pull-layer.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Sources } from '../../../src/transfer/ask-sources.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { CoreSource } from '../../../src/wan/core-source.ts';
import { startTestCore } from '../../doubles/test-core.ts';
import { mixedBytes } from '../../e2e/sample-tree.ts';
import { publishApp, runBranchcast } from './run-branchcast.ts';

interface Plan {
  readonly files: { readonly writeCount: number; readonly writeBytes: number; readonly movedCount: number };
  readonly chunks: { readonly neededCount: number; readonly seedBytes: number; readonly fetchCount: number; readonly fetchBytes: number; readonly missingCount: number };
  readonly manifest: { readonly nodeCount: number; readonly nodeBytes: number; readonly wireBytes: number };
  readonly network: { readonly bytes: number; readonly frameCount: number; readonly rangeCount: number; readonly rangeBytes: number; readonly aloneCount: number; readonly aloneBytes: number };
  readonly disk: { readonly peakBytes: number };
  readonly seconds?: number;
}

const dir = t.testdir({ core: {}, tree: { empty: '', 'a little': 'text' } });
const core = await startTestCore(join(dir, 'core'));
t.teardown(() => core.close());
const tree = join(dir, 'tree');

async function plan(version: string, ...options: readonly string[]): Promise<Plan> {
  const { exitCode, stdout, stderr } = await runBranchcast(['layer', 'plan', `app@${version}`, ...options, '--json', '--core', core.url]);
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Plan;
}

interface Pulled extends PullResult {
  /** Body bytes as they stood on the wire. */
  readonly chunkBytes: number;
  readonly manifestBytes: number;
}

/** Without deltas: a plan does not know what they will save. */
async function pull(version: string, target: string): Promise<Pulled> {
  const client = new CoreClient(core.url);
  try {
    const sources = new Sources({ sources: [new CoreSource(client)], policy: { coreAllowed: true, coreAfterMs: 0 }, giveUpAfterMs: 10_000, clock: systemClock, log: silentLog });
    const result = await pullLayer({ ref: `app@${version}`, target, sources, deltas: false, signal: AbortSignal.timeout(60_000) });
    return { ...result, chunkBytes: client.receivedBytes.chunks, manifestBytes: client.receivedBytes.manifests };
  } finally {
    await client.close();
  }
}

mkdirSync(join(tree, 'lib'));
for (let file = 0; file < 60; file += 1) writeFileSync(join(tree, 'lib', `module${file}.js`), mixedBytes(file + 1, 9000 + 10 * file));
writeFileSync(join(tree, 'big'), mixedBytes(7, 6 << 20));
writeFileSync(join(tree, 'other'), mixedBytes(8, 3 << 20));
await publishApp(tree, '1', core.url);
renameSync(join(tree, 'other'), join(tree, 'moved'));
writeFileSync(join(tree, 'lib', 'module33.js'), mixedBytes(500, 70_000));
const edited = mixedBytes(7, 6 << 20);
edited.fill('edited', 2 << 20, (2 << 20) + 200_000);
writeFileSync(join(tree, 'big'), edited);
await publishApp(tree, '2', core.url);

await t.test('a first copy', async (t) => {
  const planned = await plan('2', '--rate', '8 mbit/s');
  const done = await pull('2', join(dir, 'first'));
  t.equal(planned.network.rangeBytes + planned.network.aloneBytes, planned.network.bytes - planned.manifest.wireBytes);
  t.equal(done.manifestBytes, planned.manifest.wireBytes);
  t.equal(done.bytes.seed, 0);
  t.match(planned, { files: { writeCount: 63, movedCount: 0 }, chunks: { seedBytes: 0, missingCount: 0 } });
  t.ok(planned.disk.peakBytes >= planned.files.writeBytes && planned.disk.peakBytes < planned.files.writeBytes * 1.1);
  t.equal(planned.seconds, planned.network.bytes / 1e6);
  // What version 2 left of version 1's frames may travel as single chunks, whose weight is an estimate.
  const aloneBytes = done.chunkBytes - planned.network.rangeBytes;
  t.ok(Math.abs(aloneBytes - planned.network.aloneBytes) <= planned.network.aloneBytes / 3 + 2000, `${aloneBytes} bytes of single chunks, planned ${planned.network.aloneBytes}`);
});

await t.test('an update from the version before: every byte as planned', async (t) => {
  const target = join(dir, 'updated');
  const first = await plan('1');
  const done = await pull('1', target);
  t.equal(first.network.aloneCount, 0);
  t.equal(done.chunkBytes, first.network.rangeBytes);
  t.equal(done.manifestBytes, first.manifest.wireBytes);
  t.equal(done.bytes.core, first.network.rangeBytes + first.manifest.nodeBytes);

  const planned = await plan('2', '--have', 'app@1');
  const updated = await pull('2', target);
  t.ok(planned.files.movedCount >= 1, 'the large file that has another name is not written');
  t.ok(planned.files.writeBytes < 8 << 20);
  t.equal(updated.chunkBytes, planned.network.rangeBytes);
  t.equal(planned.network.aloneCount, 0);
  t.equal(updated.manifestBytes, planned.manifest.wireBytes);
  t.equal(updated.bytes.seed, planned.chunks.seedBytes);
  t.ok(planned.chunks.fetchBytes > 200_000 && planned.chunks.fetchBytes < 2 << 20, `${planned.chunks.fetchBytes} bytes of chunks`);
});

await t.test('nothing to do, and more than one have', async (t) => {
  t.match(await plan('2', '--have', 'app@2'), { files: { writeCount: 0 }, chunks: { neededCount: 0, fetchCount: 0 }, manifest: { nodeCount: 0, nodeBytes: 0 }, network: { rangeBytes: 0 }, disk: { peakBytes: 0 } });
  // The directory holds version 1, and the chunks of version 2 are at hand: everything is written from this disk.
  const both = await plan('2', '--have', 'app@1', '--have', 'app@2');
  t.match(both, { chunks: { fetchCount: 0 }, network: { rangeCount: 0 } });
  t.ok(both.files.writeCount > 0);
});

await t.test('for people', async (t) => {
  const { stdout, exitCode } = await runBranchcast(['layer', 'plan', 'app@2', '--have', 'app@1', '--rate', '50mbit', '--core', core.url]);
  t.equal(exitCode, 0);
  t.match(stdout, /files to write .*\nfrom this disk .*\nto fetch .*\n {2}whole frames .*\n {2}single chunks .*\nmanifest .*\nnetwork .*\ndisk at the peak .*\ntime /);
  t.match(await runBranchcast(['layer', 'plan', 'app@9', '--core', core.url]), { exitCode: 1, stderr: /^error BC_LAYER_NOT_FOUND/ });
  t.match(await runBranchcast(['layer', 'plan', 'app', '--rate', 'fast']), { exitCode: 2 });
});

interface FleetPlan {
  readonly endpointCount: number;
  readonly groups: readonly {
    readonly endpoints: readonly string[]; readonly have: readonly string[]; readonly move: string; readonly changes: Record<string, number>;
    readonly chunks: { readonly fetchCount: number; readonly fetchBytes: number }; readonly network: { readonly bytes: number };
    readonly manifest: { readonly nodeBytes: number }; readonly disk: { readonly peakBytes: number };
  }[];
  readonly together: { readonly fetchCount: number; readonly fetchBytes: number; readonly missingCount: number; readonly network: { readonly bytes: number } };
  readonly seconds?: number;
}

await t.test('many endpoints: each as if it were planned alone, and what their site needs once', async (t) => {
  // Version 3 takes a file of version 2 back to an older one, and has one more.
  const old = mixedBytes(9, 100_000);
  writeFileSync(join(tree, 'moved'), old);
  utimesSync(join(tree, 'moved'), new Date('2020-01-01'), new Date('2020-01-01'));
  writeFileSync(join(tree, 'new'), mixedBytes(10, 200_000));
  await publishApp(tree, '3', core.url);
  t.match(await runBranchcast(['layer', 'publish', tree, '--name', 'other', '--version', '1', '--core', core.url]), { exitCode: 0 });
  const lines = ['# the branch', ...Array.from({ length: 5 }, (_, index) => `pc-${index} app@1`), 'old-1 app@3', 'else other@1', 'old-2 app@1 app@3', 'blank', 'done app@2'];
  const file = join(dir, 'branch.txt');
  writeFileSync(file, lines.join('\n'));
  const fleet = async (version: string): Promise<FleetPlan> => {
    const { exitCode, stdout, stderr } = await runBranchcast(['layer', 'plan', `app@${version}`, '--endpoints', file, '--rate', '8mbit', '--json', '--core', core.url]);
    if (exitCode !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as FleetPlan;
  };
  const planned = await fleet('2');
  t.equal(planned.endpointCount, 10);
  t.same(planned.groups.map(({ endpoints, move }) => [endpoints.join(' '), move]), [['pc-0 pc-1 pc-2 pc-3 pc-4', 'update'], ['old-1', 'downgrade'], ['else', 'other layer'], ['old-2', 'update'], ['blank', 'first copy'], ['done', 'none']]);
  for (const { have, changes, chunks, disk, manifest } of planned.groups) {
    const alone = await plan('2', ...have.flatMap((layer) => ['--have', layer]));
    t.match(alone, { changes, chunks: { fetchCount: chunks.fetchCount, fetchBytes: chunks.fetchBytes } }, `as alone: ${have.join(', ')}`);
    t.equal(disk.peakBytes, alone.disk.peakBytes);
    t.equal(manifest.nodeBytes, alone.manifest.nodeBytes);
  }
  const [update, back, , , blank, done] = planned.groups;
  t.match(update, { changes: { added: 1, removed: 1 } });
  t.match(back, { changes: { removed: 1, updated: 1 } }, 'moved is newer in version 2');
  t.match(done, { changes: { added: 0, updated: 0, downgraded: 0, removed: 0, metadata: 0, unsure: 0 }, chunks: { fetchCount: 0 }, network: { bytes: 0 } });
  // The blank one lacks everything, so that the site does.
  t.same(planned.together, { ...planned.together, fetchCount: blank?.chunks.fetchCount, fetchBytes: blank?.chunks.fetchBytes, missingCount: 0 });
  const [weight = 0, onceBytes] = [blank?.network.bytes, planned.together.network.bytes];
  t.ok(Math.abs(weight - onceBytes) < onceBytes / 10, `${weight} bytes by weight, ${onceBytes} in ranges`);
  t.equal(planned.seconds, onceBytes / 1e6);

  const forward = await fleet('3');
  t.match(forward.groups.find(({ endpoints }) => endpoints[0] === 'done'), { move: 'update', changes: { added: 1, downgraded: 1, updated: 0, removed: 0 } });

  const { stdout } = await runBranchcast(['layer', 'plan', 'app@2', '--endpoints', file, '--core', core.url]);
  t.match(stdout, /endpoints +10: 6 update, 1 downgrade, 1 other layer, 1 first copy, 1 none\n/);
  t.match(stdout, /\npc-0, pc-1 and 3 more +app@1 +update +1 /);
  t.match(await runBranchcast(['layer', 'plan', 'app@2', '--endpoints', file, '--have', 'app@1', '--core', core.url]), { exitCode: 2 });
  writeFileSync(file, 'pc-1 app@1\npc-2 nothing@1');
  t.match(await runBranchcast(['layer', 'plan', 'app@2', '--endpoints', file, '--core', core.url]), { exitCode: 1, stderr: /^error BC_LAYER_NOT_FOUND.*nothing@1/ });
  writeFileSync(file, '');
  t.match(await runBranchcast(['layer', 'plan', 'app@2', '--endpoints', file, '--core', core.url]), { exitCode: 2, stderr: /names no endpoint/ });
});
