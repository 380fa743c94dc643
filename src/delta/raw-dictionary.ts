/** zstd's own magic for dictionaries that carry tables (RFC 8878, section 6): loaders read such bytes as more than raw content. */
const MAGIC = 0xec30a437;

/** A base that starts so is not used: a decoder would take it for something else than the bytes that it is. */
export function isFormattedDictionary(base: Uint8Array): boolean {
  return base.byteLength >= 4 && new DataView(base.buffer, base.byteOffset, 4).getUint32(0, true) === MAGIC;
}
