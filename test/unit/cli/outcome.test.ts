import t from 'tap';
import { facts, table } from '../../../src/cli/outcome.ts';

await t.test('columns', async (t) => {
  t.equal(table(['NAME', 'FILES', 'SIZE'], [['base/debian', 5241, '171 MiB'], ['x', 7, '1.5 KiB']]), ['NAME         FILES     SIZE', 'base/debian   5241  171 MiB', 'x                7  1.5 KiB'].join('\n'));
  t.equal(table(['A', 'B'], [['text', 'mixed'], ['1', '2']]), 'A     B\ntext  mixed\n1     2');
  t.equal(table(['A'], []), 'A');
});

await t.test('facts', async (t) => {
  t.equal(facts([['site', 'paris'], ['members', 3]]), 'site     paris\nmembers  3');
});
