/**
 * Which source an endpoint asks next: a pure decision. Reflectors in the configured order come first; the core is asked when
 * the policy allows it and no reflector has helped for `coreAfterMs` (at once when there is no reflector at all), so
 * that the restart of a reflector does not send the whole branch over the WAN.
 */
import type { ChunkSource } from './chunk-source.ts';
import type { SourceHealth } from './source-health.ts';

export interface SourcePolicy {
  readonly coreAllowed: boolean;
  /** How long the reflectors may be of no help before the core is asked. */
  readonly coreAfterMs: number;
}

export type Choice =
  | { readonly kind: 'ask'; readonly source: ChunkSource; readonly reason: string }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string };

export interface ChoiceState {
  readonly sources: readonly ChunkSource[];
  readonly health: SourceHealth;
  readonly policy: SourcePolicy;
  /** Sources that said, this time round, that they lack what is wanted. */
  readonly lacking: ReadonlySet<string>;
  /** When a reflector last helped, or the work began. */
  readonly helpedAtMs: number;
  readonly nowMs: number;
}

export function chooseSource(state: ChoiceState): Choice {
  const { sources, health, policy, lacking, helpedAtMs, nowMs } = state;
  const usable = sources.filter((source) => !lacking.has(source.name) && !health.of(source.name).quarantined);
  const reflectors = usable.filter((source) => source.kind !== 'core');
  const ready = reflectors.find((source) => health.of(source.name).notBeforeMs <= nowMs);
  if (ready !== undefined) return { kind: 'ask', source: ready, reason: 'first reflector that is not backing off' };

  const core = policy.coreAllowed ? usable.find((source) => source.kind === 'core') : undefined;
  const waits = reflectors.map((source) => health.of(source.name).notBeforeMs);
  if (core !== undefined) {
    const coreFromMs = reflectors.length === 0 ? Number.NEGATIVE_INFINITY : helpedAtMs + policy.coreAfterMs;
    const askFromMs = Math.max(coreFromMs, health.of(core.name).notBeforeMs);
    if (askFromMs <= nowMs) {
      return { kind: 'ask', source: core, reason: reflectors.length === 0 ? 'no usable reflector' : `no reflector has helped for ${Math.round((nowMs - helpedAtMs) / 1000)} s` };
    }
    waits.push(askFromMs);
  }
  if (waits.length > 0) return { kind: 'wait', untilMs: Math.min(...waits), reason: 'every source is backing off' };
  return { kind: 'none', reason: explain(state) };
}

function explain({ sources, health, policy, lacking }: ChoiceState): string {
  if (sources.length === 0) return 'no reflector and no core is configured';
  return sources
    .map((source) => {
      const attempt = health.of(source.name);
      if (source.kind === 'core' && !policy.coreAllowed) return `${source.name}: the policy forbids the core`;
      if (attempt.quarantined) return `${source.name}: quarantined, ${attempt.lastError?.message ?? 'wrong bytes'}`;
      if (lacking.has(source.name)) return `${source.name}: does not hold it`;
      return `${source.name}: ${attempt.lastError?.message ?? 'not tried'}`;
    })
    .join('; ');
}
