/** Differences: whatever the old and the new bytes are, the ones make the others, within the bounds, also of the chunks of the base alone that help. */
import * as fc from 'fast-check';
import t from 'tap';
import { DELTA_BASE_BYTES_MAX, DELTA_RAW_BYTES_MAX, DIFFERENCES_SPARE_BYTES } from '../../src/base/limits/deltas.ts';
import { align, type Differences } from '../../src/delta/align-kernel.ts';
import { decodeDifferences, encodeDifferences, type EncodedDifferences } from '../../src/delta/differences.ts';
import { patch } from '../../src/delta/patch.ts';
import { hasCode } from '../../src/base/errors.ts';
import { noise } from '../unit/image/tree-spec.ts';

const SEED = 20261121;
const RUNS = 400;

t.setTimeout(300_000);

/** Few values, so that runs repeat and places are found by chance; or many, so that none does. */
const bytes = (lengthMax: number): fc.Arbitrary<Buffer> => fc.oneof(
  fc.record({ length: fc.nat(lengthMax), seed: fc.nat(50) }).map(({ length, seed }) => Buffer.from(noise(length, seed))),
  fc.record({ length: fc.nat(lengthMax), seed: fc.nat(50), values: fc.integer({ min: 1, max: 3 }) }).map(({ length, seed, values }) => Buffer.from(noise(length, seed).map((byte) => byte % values))),
  fc.record({ period: fc.integer({ min: 1, max: 60 }), length: fc.nat(lengthMax) }).map(({ period, length }) => Buffer.alloc(length, noise(period, period))),
);
const edits = fc.array(fc.record({ kind: fc.constantFrom('change', 'insert', 'remove', 'copy', 'shift'), at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.double({ min: 0, max: 1, noNaN: true }), count: fc.integer({ min: 1, max: 200 }) }), { maxLength: 12 });
const pairs = fc.record({ old: bytes(20_000), edits, unrelated: fc.option(bytes(3000)) }).map(({ old, edits: list, unrelated }) => ({ old, now: unrelated ?? list.reduce(edited, old) }));

type Edit = typeof edits extends fc.Arbitrary<(infer One)[]> ? One : never;

function edited(was: Buffer, { kind, at, to, count }: Edit): Buffer {
  const [place, other] = [Math.floor(at * was.byteLength), Math.floor(to * was.byteLength)];
  if (kind === 'insert') return Buffer.concat([was.subarray(0, place), noise(count, count), was.subarray(place)]);
  if (kind === 'remove') return Buffer.concat([was.subarray(0, place), was.subarray(place + count)]);
  if (kind === 'copy') return Buffer.concat([was.subarray(0, place), was.subarray(other, other + 20 * count), was.subarray(place)]);
  const now = Buffer.from(was);
  // Every so manieth byte by one, as addresses change in a program; or one run of others.
  if (kind === 'shift') for (let index = place; index < now.byteLength; index += 7 + (count % 40)) now[index] = (now[index] as number) + 1;
  else now.set(noise(Math.min(count, now.byteLength - place), count), place);
  return now;
}

/** Chunks of a base, of lengths that come from its own. */
function lengthsOf(base: Buffer): number[] {
  const lengths: number[] = [];
  for (let left = base.byteLength; left > 0; left -= lengths.at(-1) ?? 0) lengths.push(Math.min(left, 1 + ((left * 7919) % 900)));
  return lengths;
}

function same(a: Uint8Array, b: Uint8Array): void {
  if (!Buffer.from(a).equals(b)) throw new Error('other bytes came back');
}

await t.test('differences make the new bytes of the old ones, within their bounds', async () => {
  fc.assert(
    fc.property(pairs, ({ old, now }) => {
      const differences = align(old, now);
      for (const section of Object.values(differences)) if (section.byteLength > now.byteLength + DIFFERENCES_SPARE_BYTES) throw new Error(`a section of ${section.byteLength} bytes for ${now.byteLength}`);
      if (differences.changes.byteLength + differences.extra.byteLength > now.byteLength) throw new Error('more changes than bytes');
      same(patch(old, differences, now.byteLength), now);
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

await t.test('as a payload, against the chunks that it keeps', async (t) => {
  let leftOut = 0;
  fc.assert(
    fc.property(pairs, ({ old, now }) => {
      const lengths = lengthsOf(old);
      const { payload, isKept } = encodeDifferences(now, old, lengths, Infinity) as EncodedDifferences;
      let at = 0;
      const kept = lengths.flatMap((length, index) => {
        at += length;
        return isKept[index] === true ? [old.subarray(at - length, at)] : [];
      });
      leftOut += lengths.length - kept.length;
      same(decodeDifferences(payload, Buffer.concat(kept), now.byteLength), now);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.ok(leftOut > RUNS, `${leftOut} chunks were left out`);
});

await t.test('the longest base and the longest run', async (t) => {
  const old = Buffer.from(noise(DELTA_BASE_BYTES_MAX, 1));
  const now = Buffer.concat([old.subarray(1000), Buffer.alloc(1000)]).subarray(0, DELTA_RAW_BYTES_MAX);
  for (let at = 0; at < now.byteLength; at += 2) now[at] = (now[at] as number) + 1;
  same(patch(old, align(old, now), now.byteLength), now);
  same(patch(now, align(now, Buffer.alloc(DELTA_RAW_BYTES_MAX)), DELTA_RAW_BYTES_MAX), Buffer.alloc(DELTA_RAW_BYTES_MAX));
  t.equal(align(old, old.subarray(-1000)).extra.byteLength, 0, 'the last old bytes are found');
});

await t.test('old bytes are found wherever they stand, also where nothing was found for long', async (t) => {
  const old = Buffer.from(noise(100_000, 1));
  for (let place = 0; place < 39; place += 1) {
    const copy = old.subarray(2500 * place + place, 2500 * place + place + 1000);
    const now = Buffer.concat([noise(100_000 + 6 * place, 2), copy, noise(1000, 3)]);
    const differences = align(old, now);
    // A byte beside it may be the same by chance.
    const copiedBytes = now.byteLength - differences.extra.byteLength;
    t.ok(copiedBytes >= copy.byteLength && copiedBytes < copy.byteLength + 4, `${copiedBytes} bytes at place ${place}`);
    same(patch(old, differences, now.byteLength), now);
  }
});

await t.test('what repeats itself is copied in few steps', async (t) => {
  const around = [noise(3000, 1), noise(3000, 2)] as const;
  for (const unit of [Buffer.of(0), Buffer.of(10, 20, 30), noise(100, 3)]) {
    const [short, long] = [20_000, 300_000].map((length) => Buffer.concat([around[0], Buffer.alloc(length, unit), around[1]])) as [Buffer, Buffer];
    const differences = align(short, long);
    // A step has three bytes and more. Of all that is longer than the old run each could have as little as a seed, and take a walk over all of it.
    t.ok(differences.control.byteLength < 300, `${differences.control.byteLength} bytes of steps`);
    same(patch(short, differences, long.byteLength), long);
    same(patch(long, align(long, short), short.byteLength), short);
  }
});

await t.test('sections that somebody else wrote are refused, or make as many bytes as they should', async (t) => {
  let refused = 0;
  const sections = ['control', 'gaps', 'changes', 'extra'] as const;
  fc.assert(
    fc.property(pairs, fc.constantFrom(...sections), fc.nat(), fc.oneof(fc.nat(255), fc.constant('longer' as const), fc.constant('shorter' as const)), ({ old, now }, name, place, how) => {
      const good = align(old, now);
      const copies = Object.fromEntries(sections.map((section) => [section, Buffer.from(good[section])])) as Record<(typeof sections)[number], Buffer>;
      const section = copies[name];
      if (how === 'longer') copies[name] = Buffer.concat([section, Buffer.of(place % 256)]);
      else if (how === 'shorter') copies[name] = section.subarray(0, Math.max(0, section.byteLength - 1));
      else if (section.byteLength > 0) section[place % section.byteLength] = how;
      try {
        if (patch(old, copies satisfies Differences, now.byteLength).byteLength !== now.byteLength) throw new Error('it made another number of bytes');
      } catch (error) {
        if (!hasCode(error, 'BC_FRAME_MALFORMED')) throw error;
        refused += 1;
      }
    }),
    { seed: SEED, numRuns: RUNS * 5 },
  );
  t.ok(refused > RUNS, `${refused} were refused`);
});
