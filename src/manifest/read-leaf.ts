/** A leaf of the tree from its bytes: every entry is read and checked, of each only its places in the node are kept. */
import { NODE_BYTES_MAX, NODE_ENTRIES_MAX } from '../base/limits/manifests.ts';
import { CID_BYTES, type CborReader } from './cbor-reader.ts';
import { ChunkTable } from './chunk-table.ts';
import { EntryRecord, readEntry } from './entry-decode.ts';
import { KeyColumn } from './key-column.ts';

/** Places in the node that are kept of each entry: type and metadata, body, extras, its end; in the body its pieces or its list, else 0. */
export const PLACE = { start: 0, body: 1, bodyEnd: 2, end: 3, pieces: 4, list: 5 } as const;
export const PLACES = 6;

export interface LeafParts {
  readonly entryCount: number;
  readonly keys: KeyColumn;
  readonly chunks: ChunkTable;
  /** PLACES numbers an entry. */
  readonly places: Uint32Array;
  readonly logicalBytes: number;
  readonly hasLists: boolean;
}

/** Reads what follows `[1, 1,`, to the end. Throws as decodeNode does. */
export function readLeaf(reader: CborReader): LeafParts {
  const chunks = ChunkTable.read(reader, NODE_BYTES_MAX / CID_BYTES);
  chunks.refuseRepeats(reader);
  const entryCount = reader.array('entries');
  if (entryCount === 0 || entryCount > NODE_ENTRIES_MAX) throw reader.error(`${entryCount} entries, not 1 to ${NODE_ENTRIES_MAX}`);
  const keys = new KeyColumn(entryCount);
  const places = new Uint32Array(entryCount * PLACES);
  const record = new EntryRecord();
  const { pieces } = record;
  let usedChunks = 0;
  let logicalBytes = 0;
  let hasLists = false;
  for (let index = 0; index < entryCount; index += 1) {
    const items = reader.array('entry');
    if (items !== 5 && items !== 6) throw reader.error(`entry ${index} has ${items} items instead of 5 or 6`);
    keys.read(reader);
    const at = index * PLACES;
    places[at + PLACE.start] = reader.position;
    readEntry(reader, chunks, items === 6, record);
    places[at + PLACE.body] = record.bodyAt;
    places[at + PLACE.bodyEnd] = record.bodyEndAt;
    places[at + PLACE.end] = reader.position;
    places[at + PLACE.pieces] = record.piecesAt;
    places[at + PLACE.list] = record.listAt;
    hasLists ||= record.listAt !== 0;
    for (let item = 0; item < record.pieceItems; item += 3) {
      const chunk = pieces[item] as number;
      if (chunk > usedChunks) throw reader.error('chunks are not in the order of their first use');
      if (chunk === usedChunks) usedChunks += 1;
    }
    logicalBytes += record.sizeBytes;
  }
  if (usedChunks !== chunks.length) throw reader.error(`${chunks.length - usedChunks} chunks in the table are not used`);
  if (!Number.isSafeInteger(logicalBytes)) throw reader.error('files are larger than 2^53 - 1 bytes together');
  reader.end();
  return { entryCount, keys, chunks, places, logicalBytes, hasLists };
}
