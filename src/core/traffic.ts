/** What the core sends, counted by kind and by the site that asked: body bytes, as they leave. */
import { Counter, type Registry } from 'prom-client';
import { SITES_MAX } from '../base/limits/wan.ts';
import type { WanTotals } from '../wan/api-messages.ts';
import type { TrafficKind } from '../wan/http-transport.ts';

/** Who named no site, or one too many. */
const NO_SITE = '';

export class Traffic {
  readonly #counter: Counter<'kind' | 'site'>;
  readonly #bySite = new Map<string, Record<TrafficKind, number>>();

  constructor(registry: Registry) {
    this.#counter = new Counter({ name: 'branchcast_core_sent_bytes_total', help: 'Body bytes sent, by kind and by the site that asked', labelNames: ['kind', 'site'], registers: [registry] });
  }

  add(site: string | undefined, kind: TrafficKind, bytes: number): void {
    const name = this.#known(site);
    const counts = this.#bySite.get(name) ?? { chunks: 0, manifests: 0, other: 0 };
    counts[kind] += bytes;
    this.#bySite.set(name, counts);
    this.#counter.inc({ kind, site: name }, bytes);
  }

  /** Sites that asked for anything. */
  get sites(): readonly string[] {
    return [...this.#bySite.keys()].filter((site) => site !== NO_SITE);
  }

  of(site: string): WanTotals {
    return totals(this.#bySite.get(site));
  }

  get all(): WanTotals {
    const sum: Record<TrafficKind, number> = { chunks: 0, manifests: 0, other: 0 };
    for (const counts of this.#bySite.values()) {
      sum.chunks += counts.chunks;
      sum.manifests += counts.manifests;
      sum.other += counts.other;
    }
    return totals(sum);
  }

  /** Bounded: callers can name any site. */
  #known(site: string | undefined): string {
    if (site === undefined) return NO_SITE;
    return this.#bySite.has(site) || this.#bySite.size < SITES_MAX ? site : NO_SITE;
  }
}

function totals(counts: Readonly<Record<TrafficKind, number>> | undefined): WanTotals {
  const { chunks, manifests, other } = counts ?? { chunks: 0, manifests: 0, other: 0 };
  return { bytes: chunks + manifests + other, chunkBytes: chunks, manifestBytes: manifests };
}
