/**
 * Copies all of `source` to `target` from `at` on, where there must be room for it; they may overlap. For long runs of which one side is shared memory: there V8's `set` copies word by
 * word, as the memory model of ECMAScript asks for, and took a twentieth of the processor time of a publish. Node.js copies a part of a buffer with memmove; a whole one it hands to `set`.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, at = 0): void {
  const end = source.byteLength - 1;
  if (end < 0) return;
  if (at + end >= target.byteLength) throw new RangeError(`no room for ${source.byteLength} bytes at ${at} of ${target.byteLength}`);
  const last = source[end] as number;
  Buffer.prototype.copy.call(source, target, at, 0, end);
  target[at + end] = last;
}
