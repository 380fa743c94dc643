/** What small files hold, by their bytes: a file that moved may have come into another bundle, so that its chunk says nothing. */
import { COMPARED_FILES_MAX } from '../base/limits/commands.ts';
import { hash } from '../chunking/hash.ts';
import type { Entry } from '../manifest/entry.ts';
import { onlyPiece, type NameContents } from '../manifest/renames.ts';
import { readPieces, type FetchChunks } from './piece-bytes.ts';

/** Names files by the digest of their bytes, some files at a time. What cannot be fetched has no name. */
export function smallContents(fetchChunks: FetchChunks): NameContents {
  return async (files) => {
    const names = new Map<Entry, string>();
    for (let at = 0; at < files.length; at += COMPARED_FILES_MAX) {
      const batch = files.slice(at, at + COMPARED_FILES_MAX);
      const bytesOf = await readPieces(batch.flatMap((file) => onlyPiece(file) ?? []), fetchChunks);
      for (const file of batch) {
        const piece = onlyPiece(file);
        const bytes = piece === undefined ? undefined : bytesOf(piece);
        // A hole's place is part of what a file holds.
        if (bytes !== undefined) names.set(file, `${hash(bytes)} ${JSON.stringify(file.holes ?? [])}`);
      }
    }
    return names;
  };
}
