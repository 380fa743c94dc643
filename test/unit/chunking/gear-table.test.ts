import { readFileSync } from 'node:fs';
import t from 'tap';
import { GEAR_TABLE_FILE, gearTableText } from '../../../scripts/gear-table-text.ts';
import { gearTable } from '../../../src/chunking/gear-table.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { readGearTable } from '../../vectors/reference-cut.ts';

// Computed with another implementation: printf 'branchcast gear64-1' | b3sum --length 2048
const TABLE_DIGEST = '2f8c4e4031d73f55bedaf13f6cecb3aa53608f0e44215318580df5b28502105a';
const ENTRIES = new Map([
  [0, 0xc254c59e870dd3c9n], // c9 d3 0d 87 9e c5 54 c2
  [1, 0xececf146173e557en], // 7e 55 3e 17 46 f1 ec ec
  [2, 0x092fe32522307e29n], // 29 7e 30 22 25 e3 2f 09
  [255, 0xf9a6e4c7a9c5787bn], // 7b 78 c5 a9 c7 e4 a6 f9
]);

void t.test('the gear table is the output that its seed gives', (t) => {
  t.equal(gearTable.length, 2048);
  t.equal(hash(gearTable), TABLE_DIGEST);
  const gear = readGearTable(gearTable);
  for (const [index, number] of ENTRIES) t.equal(gear[index], number, `entry ${index}`);
  t.equal(new Set(gear).size, 256);
  t.end();
});

void t.test('the committed table is the one that is made', async (t) => {
  t.equal(await gearTableText(), readFileSync(GEAR_TABLE_FILE, 'utf8'), 'run npm run build:kernel');
});
