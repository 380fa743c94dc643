/** Golden vector of the delta frame, docs/formats.md: later versions must still read it. How a writer compresses is its own affair. */
import t from 'tap';
import { decodeDelta } from '../../src/delta/delta-decode.ts';
import { encodeDeltaHeader, parseDeltaHeader } from '../../src/delta/delta-header.ts';
import { hash } from '../../src/chunking/hash.ts';
import { hexVector } from './hex-vector.ts';

const base = [Buffer.from('The old chunk says what there was.\n'), Buffer.from('A second one says more of it.\n')];
const chunks = [Buffer.from('The old chunk says what there was. A second one says more of it.\n'.repeat(2)), Buffer.from('A second one says more of it.\n!')];
const vector = hexVector('delta-frame');

t.same(decodeDelta(vector, Buffer.concat(base)).map(({ digest, bytes }) => [digest, Buffer.from(bytes).toString()]), chunks.map((bytes) => [hash(bytes), bytes.toString()]));

const header = parseDeltaHeader(vector);
const named = (list: readonly Buffer[]): { digest: ReturnType<typeof hash>; bytes: number }[] => list.map((bytes) => ({ digest: hash(bytes), bytes: bytes.byteLength }));
t.equal(encodeDeltaHeader('zstd', named(chunks), named(base), 300, vector.subarray(header?.payloadOffset)).toString('hex'), vector.subarray(0, header?.payloadOffset).toString('hex'));

const alone = hexVector('delta-frame-alone');
t.same(decodeDelta(alone, new Uint8Array(0)).map(({ digest, bytes }) => [digest, Buffer.from(bytes).toString()]), chunks.map((bytes) => [hash(bytes), bytes.toString()]));
const aloneAt = parseDeltaHeader(alone)?.payloadOffset;
t.equal(encodeDeltaHeader('zstd', named(chunks), [], 300, alone.subarray(aloneAt)).toString('hex'), alone.subarray(0, aloneAt).toString('hex'));

const differences = hexVector('delta-frame-differences');
const changed = [Buffer.from(`A second one says less of it.\n${'and on '.repeat(12)}`), Buffer.from('The old chunk said what there !\n')];
t.same(decodeDelta(differences, Buffer.concat(base)).map(({ digest, bytes }) => [digest, Buffer.from(bytes).toString()]), changed.map((bytes) => [hash(bytes), bytes.toString()]));
const differencesAt = parseDeltaHeader(differences)?.payloadOffset;
t.equal(encodeDeltaHeader('differences', named(changed), named(base), 300, differences.subarray(differencesAt)).toString('hex'), differences.subarray(0, differencesAt).toString('hex'));
