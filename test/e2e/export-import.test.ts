/** A layer that goes from one core to another as a file: exported, read by an independent reader, imported, pulled, compared. */
import { createReadStream, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CarBlockIterator, CarIndexer } from '@ipld/car';
import { decode } from '@ipld/dag-cbor';
import t, { type Test } from 'tap';
import { compareTrees } from '../../scripts/compare-trees.ts';
import { hash } from '../../src/chunking/hash.ts';
import { startTestCore, type TestCore } from '../doubles/test-core.ts';
import { LAUNCHER, runBranchcast, type Run } from '../unit/cli/run-branchcast.ts';
import { makeSampleTree, mixedBytes } from './sample-tree.ts';
import { scratchDir } from './scratch-dir.ts';

t.setTimeout(300_000);

const dir = scratchDir(t);
const path = (...parts: string[]): string => join(dir, ...parts);

async function core(t: Test, name: string): Promise<TestCore> {
  mkdirSync(path(name));
  const started = await startTestCore(path(name));
  t.teardown(() => started.close());
  return started;
}

async function ok(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runBranchcast([...args, '--json']);
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> };
}

function failure({ exitCode, stdout }: Run): Failure {
  if (exitCode === 0) throw new Error(`it did not fail: ${stdout}`);
  return JSON.parse(stdout) as Failure;
}

const one = await core(t, 'core1');
const two = await core(t, 'core2');
const tree = path('tree');
makeSampleTree(tree, 9 << 20);
const publish = async (version: string): Promise<Record<string, unknown>> => ok('layer', 'publish', tree, '--name', 'app/sample', '--version', version, '--kind', 'app', '--core', one.url);
const first = await publish('1');
const full = path('full.car');

await t.test('a whole layer', async (t) => {
  const exported = await ok('layer', 'export', 'app/sample@1', '--car', full, '--core', one.url);
  t.match(exported, { layer: 'app/sample@1', root: first['root'], chunkCount: first['chunkCount'], fileBytes: readFileSync(full).length });
  t.same(readdirSync(dir).filter((name) => name.includes('.part')), [], 'nothing is left aside');

  const blocks = await CarBlockIterator.fromIterable(createReadStream(full));
  const roots = await blocks.getRoots();
  t.equal(String(roots[0]), first['descriptor']);
  let blockCount = 0;
  for await (const { cid, bytes } of blocks) {
    if (hash(bytes) !== Buffer.from(cid.multihash.digest).toString('hex')) t.fail(`${String(cid)} names other bytes`);
    if (roots[1]?.equals(cid) === true) t.match(decode(bytes), { v: 1, name: 'app/sample', version: '1', bases: [] });
    blockCount += 1;
  }
  // Record and descriptor beside the manifest's nodes.
  t.equal(blockCount, Number(first['chunkCount']) + Number(first['manifestNodeCount']) + 2);

  const again = path('again.car');
  await ok('layer', 'export', 'app/sample@1', '--car', again, '--core', one.url);
  t.ok(readFileSync(again).equals(readFileSync(full)), 'the same layer gives the same bytes');

  const imported = await ok('layer', 'import', full, '--core', two.url);
  for (const field of ['name', 'version', 'kind', 'root', 'descriptor', 'chunkCount', 'chunkBytes', 'fileCount']) t.equal(imported[field], first[field], field);
  await ok('layer', 'pull', 'app/sample@1', path('pulled'), '--core', two.url);
  t.same(await compareTrees(tree, path('pulled')), []);
  t.match(await ok('layer', 'import', full, '--core', two.url), { uploadedBytes: 0 }, 'a second time nothing is sent');
  t.match(await ok('layer', 'import', full, '--name', 'lab/sample', '--version', '7', '--core', two.url), { name: 'lab/sample', version: '7', root: first['root'] });
  t.match(await ok('layer', 'pull', 'lab/sample@7', path('pulled'), '--core', two.url), { changed: false });
  t.match(JSON.parse(readFileSync(path('.pulled.branchcast', 'owner.json'), 'utf8')), { layer: 'lab/sample@7' }, 'the directory goes under the name that was pulled last');
});

await t.test('the next version carries what is lacking, no more', async (t) => {
  renameSync(path('tree', 'bin', 'part0'), path('tree', 'moved'));
  writeFileSync(path('tree', 'lib3', 'deep', 'module4.js'), mixedBytes(999, 40_000));
  rmSync(path('tree', 'lib4'), { recursive: true });
  const second = await publish('2');
  const update = path('update.car');
  const exported = await ok('layer', 'export', 'app/sample@2', '--missing-from', 'app/sample@1', '--car', update, '--core', one.url);
  t.same(exported['missingFrom'], ['app/sample@1']);
  const planned = (await ok('layer', 'plan', 'app/sample@2', '--have', 'app/sample@1', '--core', one.url)) as { chunks: { fetchCount: number; fetchBytes: number }; manifest: { nodeCount: number } };
  t.equal(exported['chunkCount'], planned.chunks.fetchCount);
  t.equal(exported['chunkBytes'], planned.chunks.fetchBytes);
  t.ok(readFileSync(update).length < 600_000, `${readFileSync(update).length} bytes`);

  const empty = await core(t, 'core3');
  t.match(failure(await runBranchcast(['layer', 'import', update, '--core', empty.url, '--json'])).error, { code: 'BC_MANIFEST_INCOMPLETE', message: /lacks app\/sample@1/, details: { bases: 'app/sample@1' } });
  t.equal(empty.parts.store.stats().chunkCount, 0, 'nothing was uploaded');

  t.match(await ok('layer', 'import', update, '--core', two.url), { name: 'app/sample', version: '2', kind: 'app', root: second['root'] });
  await ok('layer', 'pull', 'app/sample@2', path('pulled'), '--core', two.url);
  t.same(await compareTrees(tree, path('pulled')), []);
});

await t.test('files that were damaged on the way', async (t) => {
  const lab = await core(t, 'core4');
  const bad = path('bad.car');
  const tryImport = async (bytes: Uint8Array): Promise<Failure['error']> => {
    writeFileSync(bad, bytes);
    const { error } = failure(await runBranchcast(['layer', 'import', bad, '--core', lab.url, '--json']));
    t.same(lab.parts.catalog.layerCount, 0, 'no layer is visible');
    return error;
  };
  const bytes = readFileSync(full);
  t.match(await tryImport(bytes.subarray(0, bytes.length - 1000)), { code: 'BC_EXPORT_MALFORMED' });
  // Cut off between two blocks, which no CAR reader can see.
  let end = 0;
  for await (const { blockOffset, blockLength } of await CarIndexer.fromBytes(bytes)) if (blockOffset + blockLength < bytes.length) end = blockOffset + blockLength;
  t.match(await tryImport(bytes.subarray(0, end)), { code: 'BC_MANIFEST_INCOMPLETE', message: /app\/sample@1 was not imported: the file is cut off.*\(1 chunks/ });
  const rotten = Buffer.from(bytes);
  rotten.writeUInt8(rotten.readUInt8(end - 5) ^ 1, end - 5);
  t.match(await tryImport(rotten), { code: 'BC_CHUNK_CORRUPT' });
  t.match(failure(await runBranchcast(['layer', 'import', path('none.car'), '--core', lab.url, '--json'])).error, { code: 'BC_USAGE' });
  t.match(await runBranchcast(['layer', 'import', full, '--core', lab.url]), { exitCode: 0 }, 'the good file goes on from what came');
});

await t.test('through a pipe', async (t) => {
  const lab = await core(t, 'core5');
  const exporting = spawn(LAUNCHER, ['layer', 'export', 'app/sample@1', '--car', '-', '--core', one.url], { stdio: ['ignore', 'pipe', 'pipe'] });
  const importing = spawn(LAUNCHER, ['layer', 'import', '-', '--core', lab.url], { stdio: ['pipe', 'ignore', 'inherit'] });
  exporting.stdout.pipe(importing.stdin);
  const exits = await Promise.all([once(exporting, 'exit'), once(importing, 'exit')]);
  t.same(exits.map(([code]) => code as number), [0, 0]);
  t.equal(lab.parts.catalog.layerCount, 1);
  t.match(await runBranchcast(['layer', 'export', 'app/sample@1', '--car', '-', '--json', '--core', one.url]), { exitCode: 2 });
});

await t.test('Ctrl-C leaves no file', async (t) => {
  const file = path('broken.car');
  const exporting = spawn(LAUNCHER, ['layer', 'export', 'app/sample@1', '--car', file, '--core', one.url], { stdio: 'ignore' });
  const exit = once(exporting, 'exit');
  while (exporting.exitCode === null && !readdirSync(dir).some((name) => name.startsWith('broken.car.'))) await new Promise((resolve) => setTimeout(resolve, 2));
  exporting.kill('SIGINT');
  const [code] = (await exit) as [number];
  // A fast machine may have been done.
  if (code === 130) t.same(readdirSync(dir).filter((name) => name.startsWith('broken.car')), []);
  else t.same(readdirSync(dir).filter((name) => name.startsWith('broken.car')), ['broken.car']);
});
