import t from 'tap';
import { BranchcastError } from '../../../src/base/errors.ts';
import { SOURCE_BACKOFF_FIRST_MS, SOURCE_BACKOFF_LAST_MS, SOURCE_QUARANTINE_MS } from '../../../src/base/limits/fetching.ts';
import { chooseSource, type ChoiceState } from '../../../src/transfer/source-choice.ts';
import { SourceHealth } from '../../../src/transfer/source-health.ts';
import { ScriptedSource } from '../../doubles/scripted-source.ts';

const near = new ScriptedSource('reflector near', 'reflector', {});
const far = new ScriptedSource('reflector far', 'reflector', {});
const core = new ScriptedSource('core', 'core', {});
const lost = new BranchcastError('BC_CONNECTION_LOST', 'gone');
const corrupt = new BranchcastError('BC_CHUNK_CORRUPT', 'a wrong byte');

function state(change: Partial<ChoiceState> = {}): ChoiceState {
  return { sources: [near, far, core], health: new SourceHealth(), policy: { coreAllowed: true, coreAfterMs: 60_000 }, lacking: new Set(), helpedAtMs: 0, nowMs: 0, ...change };
}

t.test('the first reflector that is fit is asked', async (t) => {
  t.match(chooseSource(state()), { kind: 'ask', source: near });
  const health = new SourceHealth();
  health.failed(near.name, lost, 0);
  t.match(chooseSource(state({ health })), { kind: 'ask', source: far });
  health.succeeded(near.name);
  t.match(chooseSource(state({ health })), { kind: 'ask', source: near });
});

t.test('the core waits for the reflectors, so that their restart costs no WAN bytes', async (t) => {
  const health = new SourceHealth();
  health.failed(near.name, lost, 0);
  health.failed(far.name, lost, 0);
  t.match(chooseSource(state({ health, nowMs: 10 })), { kind: 'wait', untilMs: SOURCE_BACKOFF_FIRST_MS });
  for (let count = 0; count < 20; count += 1) {
    health.failed(near.name, lost, 60_000);
    health.failed(far.name, lost, 60_000);
  }
  t.equal(health.of(near.name).notBeforeMs, 60_000 + SOURCE_BACKOFF_LAST_MS, 'the pause has a ceiling');
  t.match(chooseSource(state({ health, nowMs: 60_000 })), { kind: 'ask', source: core });
  t.match(chooseSource(state({ health, nowMs: 60_000, helpedAtMs: 1 })), { kind: 'wait', untilMs: 60_001 });
});

t.test('without any reflector the core is asked at once', async (t) => {
  t.match(chooseSource(state({ sources: [core] })), { kind: 'ask', source: core });
});

t.test('what no reflector holds comes from the core at once', async (t) => {
  t.match(chooseSource(state({ lacking: new Set([near.name, far.name]) })), { kind: 'ask', source: core });
});

t.test('a policy against the core is never bent', async (t) => {
  const policy = { coreAllowed: false, coreAfterMs: 0 };
  const choice = chooseSource(state({ policy, lacking: new Set([near.name, far.name]), nowMs: 1e9 }));
  t.equal(choice.kind, 'none');
  t.match(choice.reason, /near: does not hold it; .*core: the policy forbids the core/);
});

t.test('a wrong byte is quarantine, and the reason is told', async (t) => {
  const health = new SourceHealth();
  t.match(health.failed(near.name, corrupt, 0), { quarantined: true, notBeforeMs: SOURCE_QUARANTINE_MS });
  t.match(chooseSource(state({ health })), { kind: 'ask', source: far });
  t.match(chooseSource(state({ sources: [near], health })).reason, /quarantined, a wrong byte/);
});

t.test('a busy source is left alone for as long as it asked', async (t) => {
  const health = new SourceHealth();
  const busy = new BranchcastError('BC_BUSY', 'full', { details: { retryAfterMs: 3000 } });
  t.equal(health.failed(near.name, busy, 100).notBeforeMs, 3100);
});

t.test('no sources at all', async (t) => {
  t.same(chooseSource(state({ sources: [] })), { kind: 'none', reason: 'no reflector and no core is configured' });
});
