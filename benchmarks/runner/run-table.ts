/** The contenders of a table, run in turn: a round of each, then the next round, so that a noisy moment is shared. */
import type { Contender, Row, Sample, Table, TableOptions } from './benchmark.ts';
import type { PeerName } from './peers.ts';

/** The least that a median means something of. */
export const ROUNDS = 3;

interface Entrant {
  readonly contender: Contender;
  readonly samples: Sample[];
  problem: string | undefined;
}

export interface TableHooks {
  readonly signal: AbortSignal;
  readonly isInstalled: (peer: PeerName) => boolean;
  readonly say: (line: string) => void;
  /** What is under way: of interest until the next line. */
  readonly progress: (line: string) => void;
}

/** Rejects only when the signal says stop. */
export async function runTable(title: string, contenders: readonly Contender[], options: TableOptions, { signal, isInstalled, say, progress }: TableHooks): Promise<Table> {
  const { rounds = ROUNDS, warmUps = 0, ratioOf = 'wallSeconds' } = options;
  const entrants = contenders.map((contender): Entrant => {
    const missing = contender.needs !== undefined && !isInstalled(contender.needs);
    return { contender, samples: [], problem: missing ? 'not installed' : undefined };
  });
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const entrant of entrants) {
      if (entrant.problem !== undefined) continue;
      progress(`${title}: ${entrant.contender.name}, ${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}`);
      try {
        await entrant.contender.prepare?.(round);
        const sample = await entrant.contender.run(round);
        if (round >= 0) entrant.samples.push(known(sample));
      } catch (error) {
        signal.throwIfAborted();
        entrant.problem = `failed: ${error instanceof Error ? error.message : String(error)}`;
        entrant.samples.length = 0;
        say(`${entrant.contender.name} ${entrant.problem}`);
      }
      signal.throwIfAborted();
    }
  }
  return { title, ratioOf, rows: entrants.map(({ contender, samples, problem }): Row => ({ name: contender.name, role: contender.role ?? 'product', samples, ...(problem === undefined ? {} : { problem }) })) };
}

/** What could not be measured here is left out: NaN and infinities are no figures. */
function known(sample: Sample): Sample {
  return Object.fromEntries(Object.entries(sample).filter(([, value]) => Number.isFinite(value)));
}
