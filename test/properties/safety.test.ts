/** The rules over a whole tree beside a plain statement of them, for keys that are near each other. */
import fc from 'fast-check';
import t from 'tap';
import type { Entry, PathKey } from '../../src/manifest/entry.ts';
import { compareKeys, isWithin, keyProblem, parentLength, type KeyProblem } from '../../src/manifest/key.ts';
import { firstProblem, SafetyCheck } from '../../src/manifest/safety.ts';

/** As docs/formats.md has it: each rule by itself, with nothing known of the key before. */
class PlainCheck {
  readonly #directories: PathKey[] = [];
  #lastKey: PathKey | undefined;

  next(key: PathKey, type: Entry['type']): KeyProblem['code'] | undefined {
    const form = keyProblem(key);
    if (form !== undefined) return form.code;
    if (this.#lastKey === undefined ? key.length > 0 || type !== 'directory' : compareKeys(this.#lastKey, key) >= 0) return 'BC_MANIFEST_MALFORMED';
    if (key.length > 0) {
      const around = this.#directories.filter((directory) => isWithin(key, directory)).at(-1);
      if (around?.length !== parentLength(key)) return 'BC_MANIFEST_UNSAFE';
    }
    this.#lastKey = key;
    if (type === 'directory') this.#directories.push(key);
    return undefined;
  }
}

const name = fc.constantFrom('a', 'b', 'ab', 'a.b', 'aa', '.', '..', '', 'a/b', '\u0001');
const key = fc.array(name, { maxLength: 4 }).map((names) => Buffer.from(names.join('\0')));
const type = fc.constantFrom<Entry['type'][]>('directory', 'directory', 'file', 'symlink');

await t.test('the same entries pass, and the first that does not is refused alike', async (t) => {
  const seen = { passed: 0, refused: 0 };
  fc.assert(fc.property(fc.array(fc.tuple(key, type), { maxLength: 12 }), fc.boolean(), (entries, isSorted) => {
    const [plain, check] = [new PlainCheck(), new SafetyCheck()];
    const inOrder = isSorted ? entries.sort(([a], [b]) => compareKeys(a, b)).filter(([one], index) => index === 0 || compareKeys(one, entries[index - 1]?.[0] ?? one) > 0) : entries;
    for (const [entryKey, entryType] of [[Buffer.alloc(0), 'directory'] as const, ...inOrder.filter(([one]) => one.length > 0)]) {
      const entry = { type: entryType, key: entryKey } as unknown as Entry;
      const expected = plain.next(entryKey, entryType);
      const { code } = firstProblem(check, entry) ?? {};
      if (code !== expected) throw new Error(`${JSON.stringify(entryKey.toString())}: ${code} instead of ${expected}`);
      seen[code === undefined ? 'passed' : 'refused'] += 1;
      if (code !== undefined) return;
    }
  }), { seed: 20_261_128, numRuns: 20_000 });
  t.ok(Math.min(seen.passed, seen.refused) > 5000, JSON.stringify(seen));
});
