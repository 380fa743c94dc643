/** What an exported layer says of itself beside its descriptor: its name, and what was left out of the file. docs/formats.md, "Exported layer". */
import { decode, encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { BranchcastError } from '../base/errors.ts';
import { EXPORT_RECORD_BYTES_MAX } from '../base/limits/manifests.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import { DAG_CBOR_CODE, digestFromCid, nodeCid, type Digest } from '../chunking/digest.ts';
import { LayerName, LayerVersion } from './api-messages.ts';

const RECORD_VERSION = 1;

/** A layer that whoever imports must have already. */
export interface ExportBase {
  readonly name: string;
  readonly version: string;
  readonly root: Digest;
}

export interface ExportRecord {
  readonly name: string;
  readonly version: string;
  readonly descriptor: Digest;
  readonly bases: readonly ExportBase[];
}

/** Whatever has the right form but for its CIDs. */
const RecordForm = Type.Object({
  v: Type.Literal(RECORD_VERSION),
  name: LayerName,
  version: LayerVersion,
  descriptor: Type.Unknown(),
  bases: Type.Array(Type.Object({ name: LayerName, version: LayerVersion, root: Type.Unknown() }), { maxItems: HAVE_ROOTS_MAX }),
});

export function encodeExportRecord({ name, version, descriptor, bases }: ExportRecord): Uint8Array {
  return encode({ v: RECORD_VERSION, name, version, descriptor: nodeCid(descriptor), bases: bases.map((base) => ({ ...base, root: nodeCid(base.root) })) });
}

/** Strict: every field there, nothing else, and the bytes exactly those that encodeExportRecord gives. Throws BC_EXPORT_MALFORMED, BC_FORMAT_VERSION. */
export function decodeExportRecord(bytes: Uint8Array): ExportRecord {
  if (bytes.byteLength > EXPORT_RECORD_BYTES_MAX) throw malformedExport(`a record of ${bytes.byteLength} bytes, more than ${EXPORT_RECORD_BYTES_MAX}`);
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw malformedExport('its record is not DAG-CBOR', cause);
  }
  if (Check(Type.Object({ v: Type.Integer({ minimum: RECORD_VERSION + 1 }) }), value)) {
    throw new BranchcastError('BC_FORMAT_VERSION', `an exported layer of version ${value.v}; this branchcast knows ${RECORD_VERSION}`, { details: { version: value.v } });
  }
  if (!Check(RecordForm, value)) throw malformedExport('its record has another form');
  const record = { name: value.name, version: value.version, descriptor: link(value.descriptor), bases: value.bases.map(({ name, version, root }) => ({ name, version, root: link(root) })) };
  if (!Buffer.from(encodeExportRecord(record)).equals(bytes)) throw malformedExport('its record is not canonical, or holds keys that are not known');
  return record;
}

export function malformedExport(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_EXPORT_MALFORMED', `exported layer: ${what}`, cause === undefined ? {} : { cause });
}

function link(value: unknown): Digest {
  const cid = CID.asCID(value);
  const digest = cid === null ? undefined : digestFromCid(cid, DAG_CBOR_CODE);
  if (digest === undefined) throw malformedExport('its record names what is no node');
  return digest;
}
