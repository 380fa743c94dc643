/** Two ways to say that contents are the same agree. */
import t from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import { contentName, isSameContent } from '../../../src/manifest/content-name.ts';
import type { FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';

const [one, other] = [hash(Buffer.from('1')), hash(Buffer.from('2'))];
const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0 };
const piece = { digest: one, chunkBytes: 100, offsetBytes: 0, lengthBytes: 10 };

function file(sizeBytes: number, content: FileEntry['content'], holes?: FileEntry['holes']): FileEntry {
  return { type: 'file', key: keyFromPath('f'), ...metadata, sizeBytes, content, ...(holes === undefined ? {} : { holes }) };
}

void t.test('the same exactly when the names are', (t) => {
  const files = [
    file(0, { pieces: [] }),
    file(10, { pieces: [piece] }),
    file(10, { pieces: [{ ...piece, offsetBytes: 1 }] }),
    file(10, { pieces: [{ ...piece, digest: other }] }),
    file(11, { pieces: [{ ...piece, lengthBytes: 11 }] }),
    file(10, { pieces: [{ ...piece, lengthBytes: 4 }, { ...piece, lengthBytes: 6 }] }),
    file(10, { pieces: [{ ...piece, lengthBytes: 6 }, { ...piece, lengthBytes: 4 }] }),
    file(20, { pieces: [piece] }, [{ offsetBytes: 0, lengthBytes: 10 }]),
    file(20, { pieces: [piece] }, [{ offsetBytes: 10, lengthBytes: 10 }]),
    file(10, { list: one }),
    file(10, { list: other }),
    file(11, { list: other }),
  ];
  for (const a of files) for (const b of files) t.equal(isSameContent(a, { ...b, mode: 0o600 }), a === b, `${contentName(a)} | ${contentName(b)}`);
  for (const a of files) for (const b of files) t.equal(contentName(a) === contentName(b), a === b);
  t.end();
});
