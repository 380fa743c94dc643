/** BLAKE3 by the prebuilt native addon (AVX2, AVX-512 or NEON as the processor has them). */

/** undefined where the addon has no build for this platform or cannot be loaded. */
export async function loadNativeBlake3(): Promise<((bytes: Uint8Array) => Uint8Array) | undefined> {
  try {
    const { blake3 } = await import('@napi-rs/blake-hash');
    return blake3;
  } catch {
    return undefined;
  }
}
