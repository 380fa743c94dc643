/** What LevelDB's errors mean for a store. Its codes: LEVEL_LOCKED, LEVEL_CORRUPTION, LEVEL_IO_ERROR, …; a failed open wraps one of them. */
import { BranchcastError } from '../base/errors.ts';

export function isLocked(error: unknown): boolean {
  return codes(error).includes('LEVEL_LOCKED');
}

/** The files of the index are missing, cut or rotten, or were found so before. */
export function isDamage(error: unknown): boolean {
  if (codes(error).some((code) => code === 'LEVEL_CORRUPTION' || code === 'BC_STORE_DAMAGED')) return true;
  return codes(error).includes('LEVEL_IO_ERROR') && /no such file|not a directory|is a directory|does not exist/i.test(text(error));
}

export function indexFailure(dir: string, error: unknown): BranchcastError {
  if (error instanceof BranchcastError) return error;
  if (/no space left|quota exceeded/i.test(text(error))) return new BranchcastError('BC_DISK_FULL', `no room for the chunk index in ${dir}`, { cause: error });
  return new BranchcastError('BC_STORE_DAMAGED', `the chunk index in ${dir} failed: ${text(error)}`, { cause: error });
}

function codes(error: unknown): string[] {
  return chain(error).map((link) => (link as NodeJS.ErrnoException).code ?? '');
}

function text(error: unknown): string {
  return chain(error).map((link) => link.message).join(': ');
}

function chain(error: unknown): Error[] {
  const links: Error[] = [];
  for (let link = error; link instanceof Error; link = link.cause) links.push(link);
  return links;
}
