import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { asBranchcastError, BranchcastError, ERRORS, hasCode, throwIfAborted } from '../../../src/base/errors.ts';

const SOURCES = new URL('../../../src/', import.meta.url);
const TABLE = 'base/errors.ts';

function codesIn(text: string): string[] {
  return [...text.matchAll(/'(BC_[A-Z_]+)'/g)].map((match) => match[1] ?? '');
}

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const used = new Map<string, string>();
for (const path of files) {
  const text = readFileSync(new URL(path, SOURCES), 'utf8');
  // In the table's own file, what is thrown stands after the table.
  const codes = codesIn(path === TABLE ? text.slice(text.indexOf('as const satisfies')) : text);
  for (const code of codes) used.set(code, path);
}

await t.test('table and throw sites agree', async (t) => {
  t.ok(files.length > 30, `saw ${files.length} files`);
  const unknown = [...used].filter(([code]) => !Object.hasOwn(ERRORS, code));
  t.strictSame(unknown, [], 'every code in src/ stands in the table');
  const unused = Object.keys(ERRORS).filter((code) => !used.has(code));
  t.strictSame(unused, [], 'every code of the table is used in src/');
});

await t.test('every kind is complete', async (t) => {
  for (const [code, kind] of Object.entries(ERRORS)) {
    t.match(code, /^BC_[A-Z]+(_[A-Z]+)*$/);
    t.ok(kind.http >= 400 && kind.http < 600, `${code}: HTTP ${kind.http}`);
    t.match(kind.meaning, /^[A-Z].*\.$/s, `${code}: a sentence`);
    t.match(kind.advice, /^[A-Z].*\.$/s, `${code}: a sentence`);
  }
});

await t.test('thrown values become errors with codes', async (t) => {
  const own = new BranchcastError('BC_BUSY', 'busy', { details: { retryAfterMs: 5 } });
  t.equal(asBranchcastError(own), own);
  t.equal(own.kind, ERRORS.BC_BUSY);
  const cases: [unknown, string][] = [
    [new DOMException('x', 'AbortError'), 'BC_CANCELLED'],
    [new DOMException('x', 'TimeoutError'), 'BC_TIMEOUT'],
    [Object.assign(new Error('full'), { code: 'ENOSPC' }), 'BC_DISK_FULL'],
    [Object.assign(new Error('quota'), { code: 'EDQUOT' }), 'BC_DISK_FULL'],
    [Object.assign(new Error('in use'), { code: 'EADDRINUSE' }), 'BC_ADDRESS_IN_USE'],
    [new TypeError('x is not a function'), 'BC_INTERNAL'],
    ['text', 'BC_INTERNAL'],
  ];
  for (const [thrown, code] of cases) {
    const error = asBranchcastError(thrown);
    t.ok(hasCode(error, code as keyof typeof ERRORS), code);
    t.equal(error.cause, thrown, 'the cause is kept');
  }
  t.equal(asBranchcastError(new TypeError('x'), 'BC_PROTOCOL').code, 'BC_PROTOCOL');
  t.equal(asBranchcastError(Object.assign(new Error('aborted'), { name: 'AbortError', cause: own })), own, 'the reason behind an abort');
});

await t.test('an abort is thrown as its reason', async (t) => {
  t.doesNotThrow(() => throwIfAborted(undefined));
  t.doesNotThrow(() => throwIfAborted(new AbortController().signal));
  t.throws(() => throwIfAborted(AbortSignal.abort()), { code: 'BC_CANCELLED' });
  t.throws(() => throwIfAborted(AbortSignal.abort(new BranchcastError('BC_TIMEOUT', 'late'))), { code: 'BC_TIMEOUT' });
});
