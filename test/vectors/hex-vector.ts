/** A golden vector: bytes in hexadecimal, one field a line, and what each is behind a `#`. */
import { readFileSync } from 'node:fs';

/** The bytes of `test/vectors/<name>.hex`. */
export function hexVector(name: string): Buffer {
  const text = readFileSync(new URL(`./${name}.hex`, import.meta.url), 'utf8').replaceAll(/#.*$/gm, '').replaceAll(/\s/g, '');
  if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new Error(`${name}.hex holds something that is not hexadecimal`);
  return Buffer.from(text, 'hex');
}
