/** Differences of two layers for people: as a list in which a directory that moved is one line, as a histogram, or as a table. */
import { formatBytes } from '../base/units.ts';
import { DIFFERENCE_KINDS, type Difference, type DifferenceCounts, type DifferenceKind, type DiffReport, type DirectorySum } from './diff-report.ts';
import { table } from './outcome.ts';

const SIGN: Readonly<Record<DifferenceKind, string>> = { added: '+', removed: '-', changed: '~', renamed: '>', metadata: '.' };
/** Signs in the longest line of a histogram. */
const HISTOGRAM_WIDTH = 50;

export interface DiffTextOptions {
  readonly stat?: boolean;
  readonly byDirectory?: number | true;
}

export function diffText(report: DiffReport, { stat, byDirectory }: DiffTextOptions): string {
  const { counts, newChunkCount, newChunkBytes, newStoredBytes, directories, differences } = report;
  const body = stat === true ? histogram(directories) : byDirectory !== undefined ? directoryTable(directories) : list(differences);
  const summary = `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed, ${counts.renamed} renamed, ${counts.metadata} with other metadata only`;
  const toMove = `to move: ${newChunkCount} chunks, ${formatBytes(newChunkBytes)}, about ${formatBytes(newStoredBytes)} compressed`;
  return [...body, summary, toMove].join('\n');
}

/** What moved with a directory. */
interface Moved {
  readonly from: string;
  readonly line: MovedLine;
}

interface MovedLine {
  readonly head: string;
  fileCount: number;
  bytes: number;
  metadataCount: number;
}

function list(differences: readonly Difference[]): string[] {
  const lines: (string | MovedLine)[] = [];
  const moved = new Map<string, Moved>();
  // A directory stands before what is in it.
  for (const difference of differences) {
    const { path, from, type, sizeBytes = 0 } = difference;
    if (from === undefined) {
      lines.push(lineOf(difference));
      continue;
    }
    const above = moved.get(directoryOf(path));
    const within = above !== undefined && from === `${above.from}${path.slice(directoryOf(path).length)}` ? above.line : undefined;
    if (within !== undefined && difference.metadataChanged === true) within.metadataCount += 1;
    if (type === 'directory') {
      const line = within ?? { head: `${SIGN.renamed} ${from}/ -> ${path}/`, fileCount: 0, bytes: 0, metadataCount: difference.metadataChanged === true ? 1 : 0 };
      if (within === undefined) lines.push(line);
      moved.set(path, { from, line });
    } else if (within === undefined) {
      lines.push(lineOf(difference));
    } else if (type === 'file') {
      within.fileCount += 1;
      within.bytes += sizeBytes;
    }
  }
  return lines.map((line) => (typeof line === 'string' ? line : movedText(line)));
}

function lineOf({ change, path, from, sizeBytes, contentChanged, metadataChanged }: Difference): string {
  const note = contentChanged === false ? '  (metadata)' : sizeBytes === undefined ? '' : `  ${formatBytes(sizeBytes)}`;
  return `${SIGN[change]} ${from === undefined ? '' : `${from} -> `}${path}${note}${metadataChanged === true ? '  (and metadata)' : ''}`;
}

function movedText({ head, fileCount, bytes, metadataCount }: MovedLine): string {
  return `${head}  ${fileCount} files, ${formatBytes(bytes)}${metadataCount === 0 ? '' : `  (and metadata of ${metadataCount})`}`;
}

/** Of a path with `/` between its parts; `.` for what stands in the root. */
function directoryOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '.' : path.slice(0, at);
}

/** Like git's: as many signs as differences, or in proportion if those are too many. */
function histogram(directories: readonly DirectorySum[]): string[] {
  const longest = Math.max(0, ...directories.map(({ counts }) => sum(counts)));
  const scale = Math.min(1, HISTOGRAM_WIDTH / longest);
  const [pathWidth, countWidth] = [Math.max(0, ...directories.map(({ path }) => path.length)), String(longest).length];
  return directories.map(({ path, counts, newChunkBytes }) => {
    const bar = DIFFERENCE_KINDS.map((kind) => SIGN[kind].repeat(Math.ceil(counts[kind] * scale))).join('');
    return ` ${path.padEnd(pathWidth)} | ${String(sum(counts)).padStart(countWidth)}  ${formatBytes(newChunkBytes).padStart(9)}  ${bar}`;
  });
}

function directoryTable(directories: readonly DirectorySum[]): string[] {
  const rows = directories.map(({ path, counts, newChunkBytes }) => [path, ...DIFFERENCE_KINDS.map((kind) => counts[kind]), formatBytes(newChunkBytes)]);
  return rows.length === 0 ? [] : [table(['DIRECTORY', ...DIFFERENCE_KINDS.map((kind) => kind.toUpperCase()), 'TO MOVE'], rows)];
}

function sum(counts: DifferenceCounts): number {
  return DIFFERENCE_KINDS.reduce((total, kind) => total + counts[kind], 0);
}
