/** Bounds of the chunker's parameters, checked before they cost anything: they may come from a stranger's descriptor. */
import { BranchcastError } from '../base/errors.ts';
import { CHUNK_BYTES_MAX } from '../base/limits/frames.ts';
import type { ChunkerParams } from './params.ts';

/** The hash's window is full before it is first judged. */
const MIN_BYTES_LEAST = 64;

/** Throws BC_CONFIG_INVALID that names the parameter and its value. */
export function checkChunkerParams(params: ChunkerParams): void {
  const { algorithm, minBytes, avgBytes, maxBytes, smallFileBytesMax } = params;
  for (const [name, value] of Object.entries({ minBytes, avgBytes, maxBytes, smallFileBytesMax })) {
    check(Number.isSafeInteger(value), `${name} is ${value}, not a whole number`, name);
  }
  check(algorithm === 'gear64-1', `algorithm is ${JSON.stringify(algorithm)}; this version knows "gear64-1"`, 'algorithm');
  check(minBytes >= MIN_BYTES_LEAST, `minBytes is ${minBytes}, below ${MIN_BYTES_LEAST}`, 'minBytes');
  check(avgBytes > minBytes, `avgBytes is ${avgBytes}, not above minBytes ${minBytes}`, 'avgBytes');
  check(Number.isInteger(Math.log2(avgBytes)), `avgBytes is ${avgBytes}, not a power of two`, 'avgBytes');
  check(maxBytes > avgBytes, `maxBytes is ${maxBytes}, not above avgBytes ${avgBytes}`, 'maxBytes');
  check(maxBytes <= CHUNK_BYTES_MAX, `maxBytes is ${maxBytes}, above ${CHUNK_BYTES_MAX}`, 'maxBytes');
  check(smallFileBytesMax >= 0 && smallFileBytesMax <= maxBytes, `smallFileBytesMax is ${smallFileBytesMax}, not between 0 and maxBytes ${maxBytes}`, 'smallFileBytesMax');
}

function check(holds: boolean, problem: string, parameter: string): void {
  if (!holds) throw new BranchcastError('BC_CONFIG_INVALID', `chunker parameters: ${problem}`, { details: { parameter } });
}
