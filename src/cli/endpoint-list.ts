/** The endpoints that a plan is made for: a line each, with the layers that it has. */
import { BranchcastError } from '../base/errors.ts';
import { PLAN_ENDPOINT_NAME_CHARS_MAX, PLAN_ENDPOINTS_BYTES_MAX, PLAN_ENDPOINTS_MAX } from '../base/limits/commands.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import { readInput } from './input-file.ts';

export interface ListedEndpoint {
  readonly name: string;
  /** As `name@version`, name or root: first the layer that is in its directory. Empty for one that has nothing. */
  readonly have: readonly string[];
}

const NAME = new RegExp(`^[^\\s\\p{C}]{1,${PLAN_ENDPOINT_NAME_CHARS_MAX}}$`, 'u');

/** `name layer layer ...`, parted by blanks; `#` begins a comment. `file` is what messages call it. Throws BC_USAGE. */
export function parseEndpoints(text: string, file: string): ListedEndpoint[] {
  const endpoints: ListedEndpoint[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const [name = '', ...have] = line.replace(/(^|\s)#[^]*$/, '').trim().split(/\s+/);
    if (name === '') continue;
    const number = index + 1;
    const refuse = (why: string): BranchcastError => new BranchcastError('BC_USAGE', `${file}, line ${number}: ${why}`, { details: { file, line: number } });
    if (!NAME.test(name)) throw refuse(`the name of an endpoint has at most ${PLAN_ENDPOINT_NAME_CHARS_MAX} characters, and none that does not show`);
    const before = lineOf.get(name);
    if (before !== undefined) throw refuse(`${name} stands in line ${before} already`);
    if (have.length > HAVE_ROOTS_MAX) throw refuse(`${name} has ${have.length} layers; at most ${HAVE_ROOTS_MAX}`);
    if (endpoints.length === PLAN_ENDPOINTS_MAX) throw refuse(`more than ${PLAN_ENDPOINTS_MAX} endpoints`);
    lineOf.set(name, number);
    endpoints.push({ name, have });
  }
  if (endpoints.length === 0) throw new BranchcastError('BC_USAGE', `${file} names no endpoint: a line is "name layer ...", such as "pc-1 base/debian@12.7"`, { details: { file } });
  return endpoints;
}

/** Throws BC_USAGE. */
export async function readEndpoints(file: string, signal: AbortSignal): Promise<ListedEndpoint[]> {
  const name = file === '-' ? 'stdin' : file;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of readInput(file, signal)) {
    bytes += piece.byteLength;
    if (bytes > PLAN_ENDPOINTS_BYTES_MAX) throw new BranchcastError('BC_USAGE', `${name} has more than ${PLAN_ENDPOINTS_BYTES_MAX} bytes`, { details: { file } });
    pieces.push(piece);
  }
  return parseEndpoints(Buffer.concat(pieces).toString(), name);
}
