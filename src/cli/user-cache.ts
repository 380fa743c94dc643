/** Where a user's own caches are: what is lost with them is time. */
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `$XDG_CACHE_HOME/branchcast`, or `~/.cache/branchcast` (XDG Base Directory Specification 0.8: a path that is not absolute is ignored). */
export function userCacheDir(): string {
  const named = process.env['XDG_CACHE_HOME'] ?? '';
  // An empty HOME is no place either: then the one of the user database.
  const home = isAbsolute(homedir()) ? homedir() : userInfo().homedir;
  return join(isAbsolute(named) ? named : join(home, '.cache'), 'branchcast');
}
