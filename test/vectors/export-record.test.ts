/** Golden vector of an exported layer's record, docs/formats.md, and what is refused of it. */
import { encode } from '@ipld/dag-cbor';
import t from 'tap';
import { chunkCid, nodeCid, type Digest } from '../../src/chunking/digest.ts';
import { decodeExportRecord, encodeExportRecord, type ExportRecord } from '../../src/wan/export-record.ts';
import { hexVector } from './hex-vector.ts';

const [a, b] = ['aa'.repeat(32) as Digest, 'bb'.repeat(32) as Digest];
const record: ExportRecord = { name: 'app', version: '2', descriptor: a, bases: [{ name: 'app', version: '1', root: b }] };

void t.test('the vector', async (t) => {
  const vector = hexVector('export-record');
  t.same(Buffer.from(encodeExportRecord(record)), vector);
  t.same(decodeExportRecord(vector), record);
});

void t.test('what is refused', async (t) => {
  const good = { v: 1, name: 'app', version: '2', descriptor: nodeCid(a), bases: [] };
  t.same(decodeExportRecord(encode(good)), { ...record, bases: [] });
  const base = { name: 'app', version: '1', root: nodeCid(b) };
  const bad: readonly (readonly [string, unknown])[] = [
    ['null', null], ['a list', []], ['no version', { ...good, v: 0 }], ['a name that is none', { ...good, name: '../app' }], ['a version that is none', { ...good, version: '' }],
    ['a chunk for a descriptor', { ...good, descriptor: chunkCid(a) }], ['text for a descriptor', { ...good, descriptor: a }], ['an unknown key', { ...good, more: 1 }],
    ['bases that are no list', { ...good, bases: {} }], ['too many bases', { ...good, bases: Array.from({ length: 17 }, () => base) }], ['a base without a root', { ...good, bases: [{ name: 'app', version: '1' }] }],
    ['an unknown key in a base', { ...good, bases: [{ ...base, more: 1 }] }],
  ];
  for (const [what, value] of bad) t.throws(() => decodeExportRecord(encode(value)), { code: 'BC_EXPORT_MALFORMED' }, what);
  t.throws(() => decodeExportRecord(encode({ v: 2 })), { code: 'BC_FORMAT_VERSION', details: { version: 2 } });
  const vector = hexVector('export-record');
  t.throws(() => decodeExportRecord(vector.subarray(0, -1)), { code: 'BC_EXPORT_MALFORMED' }, 'cut off');
  t.throws(() => decodeExportRecord(Buffer.concat([vector, Buffer.of(0)])), { code: 'BC_EXPORT_MALFORMED' }, 'with a byte too many');
  t.throws(() => decodeExportRecord(Buffer.concat([Buffer.of(0xb8, 0x05), vector.subarray(1)])), { code: 'BC_EXPORT_MALFORMED' }, 'a longer form of the same');
  t.throws(() => decodeExportRecord(Buffer.alloc(20_000)), { code: 'BC_EXPORT_MALFORMED', message: /20000 bytes/ });
});
