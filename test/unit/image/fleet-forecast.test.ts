import t from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { FleetForecaster } from '../../../src/image/fleet-forecast.ts';
import { forecastApply } from '../../../src/image/forecast.ts';
import { Pace } from '../../../src/image/pace.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import type { Manifest } from '../../../src/manifest/read.ts';
import { BlockMap } from '../../doubles/block-map.ts';

const META = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const BLOCK_BYTES = 4096;
const root: Entry = { type: 'directory', key: keyFromPath(''), ...META };
const file = (name: string, content: string): FileEntry => ({
  type: 'file', key: keyFromPath(name), ...META, sizeBytes: 10, content: { pieces: [{ digest: hash(Buffer.from(content)), chunkBytes: 10, offsetBytes: 0, lengthBytes: 10 }] },
});

async function forecasterOf(blocks: BlockMap, after: Digest, pace: Pace): Promise<{ readonly forecaster: FleetForecaster; readonly opened: Digest[] }> {
  const opened: Digest[] = [];
  const open = async (digest: Digest): Promise<Manifest> => {
    opened.push(digest);
    return blocks.manifest(digest);
  };
  return { forecaster: await FleetForecaster.of({ after: blocks.manifest(after), open, blockBytes: BLOCK_BYTES, pace }), opened };
}

void t.test('each endpoint as a forecast of its own, and each version compared once', async (t) => {
  const blocks = new BlockMap();
  const versionOf = (...contents: string[]): Digest => blocks.build([root, ...contents.map((content, index) => file(`f${index}`, content))]).root;
  const [one, two, three, after] = [versionOf('a', 'b', 'c'), versionOf('a', 'x', 'c'), versionOf('z', 'y'), versionOf('a', 'x', 'y', 'z')];
  const pace = new Pace(undefined);
  const { forecaster, opened } = await forecasterOf(blocks, after, pace);
  const digests = (places: Iterable<number>): (Digest | undefined)[] => [...places].map((place) => forecaster.chunks[place]?.digest);
  for (const have of [[one], [two], [two, three], [three, one], [], [one]]) {
    const forecast = await forecaster.forecast(have);
    const first = have[0] === undefined ? undefined : blocks.manifest(have[0]);
    const { chunks, ...alone } = await forecastApply(blocks.manifest(after), first, BLOCK_BYTES, pace);
    t.match(forecast, alone);
    t.same(digests(forecast.needed.places()), [...chunks.keys()]);
    const held = new Set<Digest>();
    for (const each of have) for await (const { digest } of blocks.manifest(each).chunks()) held.add(digest);
    t.same(digests(forecast.lacking.places()), [...chunks.keys()].filter((digest) => !held.has(digest)));
  }
  t.ok(opened.filter((digest) => digest === one).length <= 2, 'for its files, and for its chunks');
});

void t.test('an endpoint that has it lacks nothing, one that has nothing lacks all nodes', async (t) => {
  const blocks = new BlockMap();
  const { root: after, nodeBytes } = blocks.build([root, file('a', 'a')]);
  const { forecaster } = await forecasterOf(blocks, after, new Pace(undefined));
  t.match(await forecaster.forecast([after]), { nodeBytes: 0, fileCount: 0, changes: { added: 0 } });
  t.match(await forecaster.forecast([]), { nodeBytes, fileCount: 1, changes: { added: 2 } });
});

void t.test('the process lives meanwhile, and the comparison can be broken off', async (t) => {
  const blocks = new BlockMap();
  const versionOf = (version: string): Digest => blocks.build([root, ...Array.from({ length: 40_000 }, (_, index) => file(`f${String(index).padStart(6, '0')}`, `${version}${index}`))]).root;
  const [before, after] = [versionOf('a'), versionOf('b')];
  const stop = new AbortController();
  const { forecaster } = await forecasterOf(blocks, after, new Pace(stop.signal));
  let tickCount = 0;
  const timer = setInterval(() => {
    tickCount += 1;
    if (tickCount === 3) stop.abort();
  }, 1);
  await t.rejects(forecaster.forecast([before]), { code: 'BC_CANCELLED' });
  clearInterval(timer);
});
