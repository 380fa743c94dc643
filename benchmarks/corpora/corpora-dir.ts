/** Where scripts/corpora puts what it builds, and benchmarks look for it. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `BRANCHCAST_CORPORA`, else below the user's cache directory (XDG Base Directory Specification). */
export function corporaDir(env: NodeJS.ProcessEnv = process.env): string {
  return env['BRANCHCAST_CORPORA'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'branchcast', 'corpora');
}
