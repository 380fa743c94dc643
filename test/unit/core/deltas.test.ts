/** Deltas from a core on loopback: what comes, what is kept, and that whatever goes wrong with them ends in the full chunks. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { REQUEST_DIGESTS_MAX } from '../../../src/base/limits/wan.ts';
import { formatRoot, type Digest } from '../../../src/chunking/digest.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import type { DeltaUse, OldContent } from '../../../src/transfer/chunk-source.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { CoreSource } from '../../../src/wan/core-source.ts';
import { startTestCore, type TestCore } from '../../doubles/test-core.ts';
import { storeVersion, type Files } from '../../doubles/versions.ts';
import type { MemoryLayer } from '../image/layer-in-memory.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { noise } from '../store/chunks.ts';

// Threads take long to start on a machine with much else to do.
t.setTimeout(300_000);
const { signal } = new AbortController();

interface Fixture {
  readonly core: TestCore;
  readonly client: CoreClient;
  readonly versions: readonly MemoryLayer[];
  readonly deltaDir: string;
}

/** The same files, with some bytes of each changed. */
function nextVersion(files: Files, version: number): Files {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => {
    const copy = Buffer.from(bytes);
    for (let at = 100; at < copy.byteLength; at += 1500) copy[at] = version;
    return [name, copy];
  }));
}

async function fixture(t: Test): Promise<Fixture> {
  // Not t.testdir(): that goes before what is torn down, and a core that still keeps a set would find its directory gone.
  const dir = scratchDirectory(t);
  const core = await startTestCore(join(dir, 'catalog'));
  const client = new CoreClient(core.url, { backoffFirstMs: 1 });
  t.teardown(async () => {
    await client.close();
    await core.close();
  });
  const versions: MemoryLayer[] = [];
  let files: Files = { large: noise(300_000, 1), 'small/a': noise(400, 2), 'small/b': noise(300, 3), middle: noise(20_000, 4) };
  for (const version of [1, 2, 3]) {
    versions.push(await storeVersion(core.parts.store, join(dir, `${version}`), files));
    files = nextVersion(files, version);
  }
  return { core, client, versions, deltaDir: join(dir, 'catalog', 'deltas') };
}

function oldContent(to: MemoryLayer, from: MemoryLayer, lacks: (digest: Digest) => boolean = () => false): OldContent {
  return { to: to.root, from: [from.root], read: async (digest) => (lacks(digest) ? undefined : from.chunks.get(digest)) };
}

function newChunks(to: MemoryLayer, from: MemoryLayer): Digest[] {
  return [...to.chunks.keys()].filter((digest) => !from.chunks.has(digest));
}

/** Fetches what `to` has and `from` has not; checks that all of it comes, and answers the bytes that it took. */
async function update(t: Test, { client, versions }: Fixture, from: number, to: number, lacks?: (digest: Digest) => boolean): Promise<{ readonly wireBytes: number; readonly deltaCount: number }> {
  const [old, now] = [versions[from] as MemoryLayer, versions[to] as MemoryLayer];
  const wanted = new Set(newChunks(now, old));
  const before = client.receivedBytes.chunks;
  let deltaCount = 0;
  let hasEnded = false;
  const onDelta = ({ frameBytes }: DeltaUse): void => {
    if (hasEnded) t.fail('a delta after their end');
    deltaCount += frameBytes > 0 ? 1 : 0;
  };
  const options = { signal, old: oldContent(now, old, lacks), onDelta, onDeltasEnd: () => (hasEnded = true) };
  for await (const frame of new CoreSource(client).fetchFrames([...wanted], options)) for (const { digest } of decodeFrame(frame)) wanted.delete(digest);
  t.equal(wanted.size, 0, 'every wanted chunk came');
  t.ok(hasEnded);
  return { wireBytes: client.receivedBytes.chunks - before, deltaCount };
}

await t.test('an update takes far fewer bytes, from the last version and from one before it', async (t) => {
  const it = await fixture(t);
  for (const [from, to] of [[1, 2], [0, 2]] as const) {
    const { wireBytes, deltaCount } = await update(t, it, from, to);
    t.ok(wireBytes < 60_000 && deltaCount > 0, `${wireBytes} bytes of about 320,000 in ${deltaCount} deltas`);
  }
  const { deltas } = it.core.parts;
  t.match(deltas?.figures, { madeSets: 2 });
  t.ok((deltas?.figures.savedBytes ?? 0) > 400_000);
  await update(t, it, 1, 2);
  t.match(deltas?.figures, { madeSets: 2 }, 'what was made is kept');
});

await t.test('many who ask at the same time have it made once', async (t) => {
  const it = await fixture(t);
  const updates = await Promise.all(Array.from({ length: 5 }, () => update(t, it, 0, 1)));
  t.ok(updates.every(({ deltaCount }) => deltaCount > 0));
  t.match(it.core.parts.deltas?.figures, { madeSets: 1 });
});

await t.test('a holder that lacks old chunks gets the full ones', async (t) => {
  const it = await fixture(t);
  const { deltaCount } = await update(t, it, 0, 1, () => true);
  t.equal(deltaCount, 0);
});

await t.test('a set that rots is thrown away, and made again', async (t) => {
  const it = await fixture(t);
  await update(t, it, 0, 1);
  const whole = (): string | undefined => readdirSync(it.deltaDir).find((name) => name.endsWith('.deltas'));
  for (let tries = 0; whole() === undefined && tries < 6000; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  const path = join(it.deltaDir, whole() as string);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.byteLength - 5) ^ 1, bytes.byteLength - 5);
  writeFileSync(path, bytes);
  await update(t, it, 0, 1);
  const { deltaCount } = await update(t, it, 0, 1);
  t.ok(deltaCount > 0);
  t.match(it.core.parts.deltas?.figures, { madeSets: 2 });
});

await t.test('frames of which little is wanted are left out, and so is what nobody knows', async (t) => {
  const { client, versions } = await fixture(t);
  const [one, two] = versions as [MemoryLayer, MemoryLayer, MemoryLayer];
  const count = async (have: readonly Digest[], digests: readonly Digest[]): Promise<number> => {
    let frames = 0;
    for await (const _ of client.fetchDeltas(two.root, have, digests, { signal })) frames += 1;
    return frames;
  };
  t.ok((await count([one.root], newChunks(two, one))) > 0);
  t.equal(await count([one.root], [...one.chunks.keys()]), 0, 'old chunks');
  t.equal(await count([one.root], []), 0);
  t.equal(await count([two.root], newChunks(two, one)), 0, 'a version against itself');
  t.equal(await count(['0'.repeat(64) as Digest], newChunks(two, one)), 0, 'a version that the core does not have');
  await t.rejects(count([one.root], Array.from({ length: REQUEST_DIGESTS_MAX + 1 }, () => one.root)), { name: 'BranchcastError' });
  const unknown = async (): Promise<void> => {
    for await (const _ of client.fetchDeltas('1'.repeat(64) as Digest, [one.root], [], { signal }));
  };
  await t.rejects(unknown(), { code: 'BC_LAYER_NOT_FOUND' });
});

await t.test('a request that is none is refused', async (t) => {
  const { core, versions } = await fixture(t);
  const [one, two] = versions as [MemoryLayer, MemoryLayer, MemoryLayer];
  const post = async (path: string, payload: Buffer): Promise<number> => (await core.app.inject({ method: 'POST', url: path, payload, headers: { 'content-type': 'application/octet-stream' } })).statusCode;
  t.equal(await post('/v1/deltas/nothing?have=', Buffer.alloc(32)), 400);
  t.equal(await post(`/v1/deltas/${formatRoot(two.root)}`, Buffer.alloc(32)), 400);
  t.equal(await post(`/v1/deltas/${formatRoot(two.root)}?have=x`, Buffer.alloc(32)), 400);
  t.equal(await post(`/v1/deltas/${formatRoot(two.root)}?have=${formatRoot(one.root)}`, Buffer.alloc(33)), 400);
});
