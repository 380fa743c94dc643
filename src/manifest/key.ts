/**
 * Path keys: how a path is named in a manifest. docs/formats.md, "Manifest", Keys. The components are joined by 0x00, the
 * smallest byte and one that no name can hold, so that plain byte order is component order.
 */
import { BranchcastError } from '../base/errors.ts';
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from '../base/limits/manifests.ts';
import type { PathKey } from './entry.ts';

export const ROOT_KEY: PathKey = Buffer.alloc(0);

export const NUL = 0x00;
export const DOT = 0x2e;
export const SLASH = 0x2f;

/** What is wrong with a key, and whether it could lead out of a target directory or is merely no key. */
export interface KeyProblem {
  readonly code: 'BC_MANIFEST_UNSAFE' | 'BC_MANIFEST_MALFORMED';
  readonly what: string;
}

/** A relative path with `/` between its components as a key; the empty path is the root directory. Throws BC_USAGE. */
export function keyFromPath(path: Uint8Array | string): PathKey {
  const key = Buffer.from(path);
  if (key.includes(NUL)) throw notAPath(key, 'it holds a NUL byte');
  for (let at = key.indexOf(SLASH); at >= 0; at = key.indexOf(SLASH, at + 1)) key[at] = NUL;
  const problem = keyProblem(key);
  if (problem !== undefined) throw notAPath(Buffer.from(path), problem.what);
  return key;
}

function notAPath(path: Buffer, what: string): BranchcastError {
  return new BranchcastError('BC_USAGE', `"${escapeText(path)}" is not a relative path in a tree: ${what}`);
}

/** The path as bytes, `/` between components, relative. Empty for the root directory. */
export function pathOfKey(key: PathKey): Buffer {
  const path = Buffer.from(key);
  for (let at = path.indexOf(NUL); at >= 0; at = path.indexOf(NUL, at + 1)) path[at] = SLASH;
  return path;
}

/** The path for people: bytes that are not UTF-8 and characters that would move a terminal's cursor are escaped. The root is `.`. */
export function displayPath(key: PathKey): string {
  return key.length === 0 ? '.' : escapeText(pathOfKey(key));
}

/** Byte order, which is component order. */
export function compareKeys(a: PathKey, b: PathKey): number {
  return Buffer.compare(a, b);
}

/** Key of the directory that holds this entry; undefined for the root. */
export function parentKey(key: PathKey): PathKey | undefined {
  return key.length === 0 ? undefined : key.subarray(0, parentLength(key));
}

/** Bytes of the parent's key: 0 for what stands in the root directory. */
export function parentLength(key: PathKey): number {
  return Math.max(0, key.lastIndexOf(NUL));
}

/** The last component: the entry's name in its directory. Empty for the root. */
export function nameOfKey(key: PathKey): Uint8Array {
  return key.subarray(key.lastIndexOf(NUL) + 1);
}

/** True if `key` names `directory` itself or something below it. */
export function isWithin(key: PathKey, directory: PathKey): boolean {
  const length = directory.length;
  if (length === 0) return true;
  if (key.length < length || (key.length > length && key[length] !== NUL)) return false;
  for (let at = 0; at < length; at += 1) if (key[at] !== directory[at]) return false;
  return true;
}

/** The smallest key that is greater than everything within `directory`; undefined if nothing is greater. */
export function keyAfterTree(directory: PathKey): PathKey | undefined {
  return directory.length === 0 ? undefined : Buffer.concat([directory, Buffer.of(NUL + 1)]);
}

/**
 * What is wrong with the key that stands in `bytes` from `start` to `end`. `checkedTo` bytes of it are known to be the
 * beginning of a good key: the scan starts at the component that they end in.
 */
export function keyProblem(bytes: Uint8Array, start = 0, end = bytes.length, checkedTo = 0): KeyProblem | undefined {
  if (end === start) return undefined;
  if (end - start > PATH_BYTES_MAX) return malformedKey(`its path has ${end - start} bytes, more than ${PATH_BYTES_MAX}`);
  let componentStart = start + checkedTo;
  while (componentStart > start && bytes[componentStart - 1] !== NUL) componentStart -= 1;
  for (let at = componentStart; at <= end; at += 1) {
    if (at < end && bytes[at] !== NUL) {
      if (bytes[at] === SLASH) return unsafeKey('a name holds "/"');
      continue;
    }
    const length = at - componentStart;
    if (length === 0) return unsafeKey('a name is empty or holds a NUL byte');
    if (length > NAME_BYTES_MAX) return malformedKey(`a name has ${length} bytes, more than ${NAME_BYTES_MAX}`);
    if (length <= 2 && bytes[componentStart] === DOT && bytes[at - 1] === DOT) return unsafeKey(`a name is "${'.'.repeat(length)}"`);
    componentStart = at + 1;
  }
  return undefined;
}

function unsafeKey(what: string): KeyProblem {
  return { code: 'BC_MANIFEST_UNSAFE', what };
}

function malformedKey(what: string): KeyProblem {
  return { code: 'BC_MANIFEST_MALFORMED', what };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function escapeText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    text += length === 0 ? `\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}` : escapeCharacter(utf8.decode(bytes.subarray(at, at + length)));
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the UTF-8 character that starts at `at`; 0 if none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    try {
      utf8.decode(bytes.subarray(at, at + length));
      return length;
    } catch {
      // Not a whole character yet, or none at all.
    }
  }
  return 0;
}

function escapeCharacter(character: string): string {
  if (character === '\\') return '\\\\';
  if (!/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
