import { once } from 'node:events';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';

/** A socket that stays when its server is gone: bound by its name alone, because the whole path is longer than that of a socket may be. */
export async function makeSocket(path: string): Promise<void> {
  const cwd = process.cwd();
  process.chdir(dirname(path));
  const server = createServer().listen(basename(path));
  process.chdir(cwd);
  await once(server, 'listening');
  await new Promise((resolve) => server.close(resolve));
}
