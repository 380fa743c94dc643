/** The Range header of a GET (RFC 9110, section 14): one range of bytes. */

export type ByteRange =
  /** No range was asked for, or in a unit that is not ours: the whole. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly startBytes: number; readonly endBytes: number }
  /** 416. Several ranges are refused too, as section 14.2 allows. */
  | { readonly kind: 'unsatisfiable' };

/** [startBytes, endBytes) of something that is `totalBytes` long. */
export function parseByteRange(header: string | undefined, totalBytes: number): ByteRange {
  if (header === undefined || !/^bytes\s*=/i.test(header)) return { kind: 'whole' };
  const match = /^bytes\s*=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header);
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return { kind: 'unsatisfiable' };
  const startBytes = first === '' ? Math.max(0, totalBytes - Number(last)) : Number(first);
  const endBytes = first === '' || last === '' ? totalBytes : Math.min(totalBytes, Number(last) + 1);
  return startBytes < endBytes ? { kind: 'part', startBytes, endBytes } : { kind: 'unsatisfiable' };
}
