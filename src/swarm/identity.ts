/** Who this member of the site is: one Ed25519 key, made here, never sent anywhere. Its public half is the libp2p peer id. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';

/** The key in libp2p's own protobuf form, readable by its owner only. */
export const IDENTITY_FILE = 'identity.key';

/** The key in `dir`, made at the first call. A file that is there and is no key is an error, never replaced. */
export async function loadOrCreateIdentity(dir: string): Promise<Ed25519PrivateKey> {
  const path = join(dir, IDENTITY_FILE);
  const stored = await readKey(path);
  if (stored !== undefined) return stored;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await createExclusively(path, privateKeyToProtobuf(await generateKeyPair('Ed25519')));
  // Another process may have been first: what stands in the file counts.
  const created = await readKey(path);
  if (created === undefined) throw new BranchcastError('BC_PLATFORM', `${path} was created and has vanished`);
  return created;
}

async function readKey(path: string): Promise<Ed25519PrivateKey | undefined> {
  let bytes;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asBranchcastError(thrown, 'BC_PLATFORM');
  }
  try {
    const key = privateKeyFromProtobuf(bytes);
    if (key.type === 'Ed25519') return key;
  } catch (cause) {
    throw new BranchcastError('BC_CONFIG_INVALID', `${path} holds no private key; move it away to get a new identity`, { cause });
  }
  throw new BranchcastError('BC_CONFIG_INVALID', `${path} holds a key that is not Ed25519; move it away to get a new identity`);
}

/** Written and synced under another name, then linked: the file is whole or not there, and the first of two writers wins. */
async function createExclusively(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw asBranchcastError(thrown, 'BC_PLATFORM');
  } finally {
    await rm(draft, { force: true });
  }
}
