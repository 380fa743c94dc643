/** A contender finds its tree read, after all that it prepares. */
import t from 'tap';
import { settled } from '../../../benchmarks/runner/settle.ts';

const order: string[] = [];
const child = async (command: string, args: readonly string[]): Promise<never> => {
  order.push(`${command} ${args.at(-1)}`);
  return undefined as never;
};
const contender = settled({ child, dir: '/scratch' }, (round) => `/tree-${round}`, { name: 'a', role: 'peer', prepare: (round) => order.push(`prepare ${round}`), run: () => ({ wallSeconds: 1 }) });
await contender.prepare?.(2);
t.same(order, ['prepare 2', 'sync /scratch', 'sh /tree-2']);
t.match(contender, { name: 'a', role: 'peer' });
