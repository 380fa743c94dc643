/**
 * Compares two directory trees by what the file system says of them: names, types, modes, link targets, hard links, modification times and
 * SHA-256 of contents. It shares no code with the product, so that a bug there cannot hide itself here.
 *
 *     node scripts/compare-trees.ts TREE OTHER
 */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A line that says everything about one path, by the path's bytes in latin1: every byte string is a different one. */
export type Fingerprint = ReadonlyMap<string, string>;

const READ_BYTES = 1 << 20;
/** Ctrl-C is heard at least this often. */
const TURN_MS = 50;
const DIFFERENCES_SHOWN_MAX = 20;

export async function fingerprintTree(root: string): Promise<Fingerprint> {
  const lines = new Map<string, string>();
  const firstNames = new Map<string, string>();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const rootBytes = Buffer.from(root);
  let turnStartedMs = performance.now();

  const visit = async (name: Buffer): Promise<void> => {
    const path = name.length === 0 ? rootBytes : Buffer.concat([rootBytes, Buffer.from('/'), name]);
    const stat = lstatSync(path, { bigint: true });
    const key = name.toString('latin1');
    const mode = (stat.mode & 0o7777n).toString(8);
    const common = `mode ${mode} mtime ${stat.mtimeNs}`;
    if (stat.isDirectory()) {
      lines.set(key, `directory ${common}`);
      for (const entry of readdirSync(path, { encoding: 'buffer' })) {
        await visit(name.length === 0 ? entry : Buffer.concat([name, Buffer.from('/'), entry]));
      }
    } else if (stat.isSymbolicLink()) {
      lines.set(key, `symlink to ${readlinkSync(path, { encoding: 'buffer' }).toString('latin1')} mtime ${stat.mtimeNs}`);
    } else if (stat.isFile()) {
      const inode = `${stat.dev}:${stat.ino}`;
      // Which name is met first depends on the directory: the set of names is what counts.
      const names = stat.nlink > 1n ? ` inode of ${firstNames.get(inode) ?? key}` : '';
      if (stat.nlink > 1n && !firstNames.has(inode)) firstNames.set(inode, key);
      lines.set(key, `file ${common} bytes ${stat.size} sha256 ${sha256(path, buffer)}${names}`);
      if (performance.now() - turnStartedMs > TURN_MS) {
        await nextTurn();
        turnStartedMs = performance.now();
      }
    } else {
      lines.set(key, `other ${(stat.mode & 0o170000n).toString(8)} ${common} device ${stat.rdev}`);
    }
  };
  await visit(Buffer.alloc(0));
  return withLinkGroups(lines);
}

/** Names every group of hard links by its smallest name; a file whose other names are outside the tree is a group of one. */
function withLinkGroups(lines: ReadonlyMap<string, string>): Fingerprint {
  const groups = new Map<string, string[]>();
  for (const [key, line] of lines) {
    const first = / inode of (.*)$/s.exec(line)?.[1];
    if (first !== undefined) groups.set(first, [...(groups.get(first) ?? []), key]);
  }
  return new Map([...lines].map(([key, line]) => {
    const first = / inode of (.*)$/s.exec(line)?.[1];
    const group = first === undefined ? [] : (groups.get(first) ?? []).toSorted();
    const plain = line.replace(/ inode of .*$/s, '');
    return [key, group.length > 1 ? `${plain} linked with ${group[0] ?? ''}` : plain];
  }));
}

function sha256(path: Buffer, buffer: Buffer): string {
  const hash = createHash('sha256');
  const fd = openSync(path, 'r');
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) hash.update(buffer.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** What differs, for people; empty if the trees are the same. */
export function differences(a: Fingerprint, b: Fingerprint): string[] {
  const found: string[] = [];
  for (const [key, line] of a) {
    const other = b.get(key);
    if (other === undefined) found.push(`${key || '.'}: missing`);
    else if (other !== line) found.push(`${key || '.'}: ${line} | ${other}`);
  }
  for (const key of b.keys()) if (!a.has(key)) found.push(`${key}: not in the source`);
  return found;
}

/** What differs between two directories, for people; empty if they are the same tree. Rejects if one is not there. */
export async function compareTrees(a: string, b: string): Promise<string[]> {
  return differences(await fingerprintTree(a), await fingerprintTree(b));
}

if (import.meta.main) {
  const [a, b] = process.argv.slice(2);
  if (a === undefined || b === undefined) {
    process.stderr.write('usage: node scripts/compare-trees.ts TREE OTHER\n');
    process.exitCode = 2;
  } else {
    const found = await compareTrees(a, b);
    for (const line of found.slice(0, DIFFERENCES_SHOWN_MAX)) process.stdout.write(`${line}\n`);
    process.stdout.write(`${found.length} differences\n`);
    process.exitCode = found.length === 0 ? 0 : 1;
  }
}
