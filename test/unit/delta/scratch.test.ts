/** What stands together already is not copied; everything else is, into memory that is used again. */
import t from 'tap';
import { Scratch } from '../../../src/delta/scratch.ts';

const text = Uint8Array.from(Buffer.from('one two three'));
const [one, two, three] = [text.subarray(0, 4), text.subarray(4, 8), text.subarray(8)] as const;

const cases = [
  { title: 'nothing', parts: [], isCopy: true },
  { title: 'one part', parts: [two], isCopy: false },
  { title: 'neighbours in order', parts: [one, two, three], isCopy: false },
  { title: 'neighbours in another order', parts: [two, one], isCopy: true },
  { title: 'a gap', parts: [one, three], isCopy: true },
  { title: 'memory of others, at the place that would be next', parts: [one, Uint8Array.from(text).subarray(4, 8)], isCopy: true },
];

for (const { title, parts, isCopy } of cases) {
  const joined = new Scratch().joined(parts);
  t.equal(Buffer.from(joined).toString('latin1'), Buffer.concat(parts).toString('latin1'), title);
  t.equal(joined.buffer !== text.buffer, isCopy, `${title}: ${isCopy ? 'copied' : 'not copied'}`);
}

const scratch = new Scratch();
const first = scratch.joined([three, one]);
t.equal(scratch.joined([two, one]).buffer, first.buffer, 'memory is used again');
