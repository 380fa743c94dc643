import * as fc from 'fast-check';
import t from 'tap';
import { formatBytes, formatDuration, GiB, HOUR_MS, KiB, MiB, MINUTE_MS, parseBitRate, parseBytes, parseDuration } from '../../../src/base/units.ts';

await t.test('sizes', async (t) => {
  const sizes: [string, number][] = [['0', 0], ['0 B', 0], ['17 B', 17], ['200 GiB', 200 * GiB], ['1.5MB', 1_500_000], ['1.5 MiB', 1.5 * MiB], [' 64 KiB ', 64 * KiB], ['1 kB', 1000], ['2 TB', 2e12]];
  for (const [text, bytes] of sizes) t.equal(parseBytes(text), bytes, text);
  for (const bad of ['', '5', '-1 B', '1 gib', '1 GiBs', '1e3 B', 'GiB', '1,5 MB', '99999999999 TiB', '5 s', '1 toString', '0 constructor']) {
    t.throws(() => parseBytes(bad), { code: 'BC_CONFIG_INVALID' }, bad);
  }
});

await t.test('times', async (t) => {
  const times: [string, number][] = [['0', 0], ['250ms', 250], ['5 s', 5000], ['1.5 min', 90_000], ['2 h', 2 * HOUR_MS], ['1 d', 24 * HOUR_MS]];
  for (const [text, ms] of times) t.equal(parseDuration(text), ms, text);
  for (const bad of ['5', '5 m', '5 sec', '-1 s', '', '1 GiB']) t.throws(() => parseDuration(bad), { code: 'BC_CONFIG_INVALID' }, bad);
});

await t.test('rates', async (t) => {
  const rates: [string, number][] = [['50mbit', 50e6], ['1.5 Gbit/s', 1.5e9], ['64 kbit', 64_000], ['8 bit', 8]];
  for (const [text, rate] of rates) t.equal(parseBitRate(text), rate, text);
  for (const bad of ['0', '0 mbit', '50', '50 MB', '-1 mbit', 'mbit/s/s']) t.throws(() => parseBitRate(bad), { code: 'BC_CONFIG_INVALID' }, bad);
});

await t.test('for people', async (t) => {
  const shown: [number, string][] = [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [150 * MiB, '150 MiB'], [1.25 * GiB, '1.3 GiB'], [5000 * GiB, '4.9 TiB']];
  for (const [bytes, text] of shown) t.equal(formatBytes(bytes), text);
  const times: [number, string][] = [[12.4, '12 ms'], [1500, '1.5 s'], [59_000, '59 s'], [59_700, '1 min 0 s'], [90_500, '1 min 31 s'], [61 * MINUTE_MS, '1 h 1 min']];
  for (const [ms, text] of times) t.equal(formatDuration(ms), text);
});

await t.test('a whole number of any unit reads back as itself', async (t) => {
  const units: [string, number][] = [['B', 1], ['kB', 1e3], ['MB', 1e6], ['GB', 1e9], ['KiB', KiB], ['MiB', MiB], ['GiB', GiB]];
  fc.assert(fc.property(fc.nat(1_000_000), fc.constantFrom(...units), fc.constantFrom('', ' ', '  '), (amount, [unit, factor], gap) => parseBytes(`${amount}${gap}${unit}`) === amount * factor), { seed: 24, numRuns: 200 });
  t.pass();
});
