/** A directory that follows a layer: what it asks of its sources, and what it is brought to. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { Assignment } from '../../../src/agent/assignment.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { Sources } from '../../../src/transfer/ask-sources.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { ScriptedSource } from '../../doubles/scripted-source.ts';
import { capture, type MemoryLayer } from '../image/layer-in-memory.ts';
import { makeUnremovable } from '../image/unremovable.ts';

const POLL_MS = 1000;
const DRIFT_MS = 10_000;

/** Tells when whoever uses it has nothing to do but wait. */
class IdleClock extends ManualClock {
  #idle = Promise.withResolvers<void>();

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#idle.resolve();
    return super.sleep(ms, signal);
  }

  /** Moves the time, and waits until everything that this set off is done. */
  async pass(ms: number): Promise<void> {
    this.#idle = Promise.withResolvers();
    this.advance(ms);
    await this.#idle.promise;
  }

  async idle(): Promise<void> {
    await this.#idle.promise;
  }
}

interface Fixture {
  readonly assignment: Assignment;
  readonly clock: IdleClock;
  readonly target: string;
  /** From now on that is the newest. */
  readonly publish: (version: '1' | '2') => void;
  /** How often it has been asked which that is, since the last time. */
  readonly asked: () => number;
  readonly stop: () => void;
}

/** A target that follows a layer of two versions, the first of which is published. */
async function fixture(t: Test): Promise<Fixture> {
  const dir = t.testdir({ one: { file: 'first' }, two: { file: 'second' } });
  const layers: Record<string, MemoryLayer> = { 1: await capture(join(dir, 'one')), 2: await capture(join(dir, 'two')) };
  let version = '1';
  let askedCount = 0;
  const current = (): MemoryLayer => layers[version] as MemoryLayer;
  const source = new ScriptedSource('core', 'core', {
    async resolve() {
      askedCount += 1;
      return { name: 'app', version, root: current().root, descriptor: current().root };
    },
    async *manifest() {
      for (const [digest, bytes] of current().nodes) yield { digest, bytes };
    },
    async *frames(digests) {
      yield encodeFrame(digests.map((digest) => ({ digest, bytes: current().chunks.get(digest) as Uint8Array })));
    },
  });
  const clock = new IdleClock();
  const stop = new AbortController();
  const target = join(dir, 'target');
  const sources = new Sources({ sources: [source], policy: { coreAllowed: true, coreAfterMs: 0 }, giveUpAfterMs: 10_000, clock: systemClock, log: silentLog });
  const assignment = new Assignment({ layer: 'app', target, adopt: false, pollIntervalMs: POLL_MS, driftCheckIntervalMs: DRIFT_MS, deltas: false, spare: true, sources, clock, log: silentLog, signal: stop.signal });
  const asked = (): number => {
    const count = askedCount;
    askedCount = 0;
    return count;
  };
  return { assignment, clock, target, publish: (now) => void (version = now), asked, stop: () => stop.abort() };
}

await t.test('it asks what its layer is once a poll, also when there is a new version', async (t) => {
  const { assignment, clock, target, publish, asked, stop } = await fixture(t);
  const following = assignment.follow();
  await clock.idle();
  t.match(assignment.status, { state: 'applied', version: '1' });
  t.equal(asked(), 1);

  await clock.pass(POLL_MS);
  t.equal(asked(), 1, 'nothing new');

  publish('2');
  await clock.pass(POLL_MS);
  t.equal(asked(), 1, 'a new version');
  t.match(assignment.status, { state: 'applied', version: '2' });
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'second');

  rmSync(join(target, 'file'));
  await clock.pass(POLL_MS);
  t.notOk(existsSync(join(target, 'file')), 'taken to be right');
  asked();
  await clock.pass(DRIFT_MS);
  t.equal(asked(), 1, 'the time to look at every file');
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'second');

  stop();
  await following;
});

await t.test('a new version is told as soon as it is in force; that the old one cannot be removed is an error, and tried again', async (t) => {
  const { assignment, clock, target, publish, stop } = await fixture(t);
  const following = assignment.follow();
  await clock.idle();
  const makeRemovable = makeUnremovable(join(dirname(target), '.target.branchcast', 'old'));
  publish('2');
  await clock.pass(POLL_MS);
  t.match(assignment.status, { state: 'failed', version: '2', error: { message: /ENAMETOOLONG/ } });
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'second');
  await clock.pass(POLL_MS);
  t.match(assignment.status, { state: 'failed', version: '2' });
  makeRemovable();
  await clock.pass(POLL_MS);
  t.match(assignment.status, { state: 'applied', version: '2', error: undefined });
  t.notOk(existsSync(join(dirname(target), '.target.branchcast', 'old')));
  stop();
  await following;
});
