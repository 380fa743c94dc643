/**
 * Changes of a manifest diff as people mean them. Small files share chunks, so an edit gives its neighbours other chunks too: of
 * small files of one size the bytes are fetched and compared, a batch of files at a time.
 */
import { isDeepStrictEqual } from 'node:util';
import { COMPARED_FILES_MAX } from '../base/limits/commands.ts';
import { REQUEST_DIGESTS_MAX } from '../base/limits/wan.ts';
import { detached, type ManifestChange } from '../manifest/change.ts';
import type { Entry, Piece } from '../manifest/entry.ts';
import { onlyPiece } from '../manifest/renames.ts';
import { readPieces, type FetchChunks } from './piece-bytes.ts';

/** The same changes in the same order, less those where nothing differs but the chunk. */
export async function* exactChanges(changes: AsyncIterable<ManifestChange>, fetchChunks: FetchChunks): AsyncGenerator<ManifestChange, void, undefined> {
  let batch: ManifestChange[] = [];
  let doubtfulCount = 0;
  for await (const change of changes) {
    batch.push(detached(change));
    if (smallPieces(change) !== undefined) doubtfulCount += 1;
    // Bounds the chunks in memory, and the changes that wait for them.
    if (doubtfulCount < COMPARED_FILES_MAX && batch.length < REQUEST_DIGESTS_MAX) continue;
    yield* settled(batch, fetchChunks);
    batch = [];
    doubtfulCount = 0;
  }
  yield* settled(batch, fetchChunks);
}

async function* settled(batch: readonly ManifestChange[], fetchChunks: FetchChunks): AsyncGenerator<ManifestChange, void, undefined> {
  const bytesOf = await readPieces(batch.flatMap((change) => smallPieces(change) ?? []), fetchChunks);
  for (const change of batch) {
    const pieces = smallPieces(change);
    const [before, after] = (pieces ?? []).map(bytesOf);
    const isSame = before !== undefined && after !== undefined && before.equals(after);
    if (!isSame) yield change;
    else if (!isDeepStrictEqual(metadata(change.before), metadata(change.after))) yield { ...detached(change), contentChanged: false };
  }
}

/** The one piece of a file before and after, where they might hold the same bytes. */
function smallPieces({ before, after, contentChanged }: ManifestChange): readonly [Piece, Piece] | undefined {
  if (!contentChanged || before?.type !== 'file' || after?.type !== 'file' || before.sizeBytes !== after.sizeBytes) return undefined;
  const [old, now] = [onlyPiece(before), onlyPiece(after)];
  return old === undefined || now === undefined ? undefined : [old, now];
}

/** Everything of an entry but where its bytes are. */
function metadata(entry: Entry | undefined): unknown {
  return entry?.type === 'file' ? { ...entry, content: undefined } : entry;
}
