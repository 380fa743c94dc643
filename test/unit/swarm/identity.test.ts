import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import t from 'tap';
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../../src/swarm/identity.ts';

await t.test('is made once, readable by its owner only, and stays the same', async (t) => {
  const dir = join(t.testdir(), 'made', 'here');
  const first = await loadOrCreateIdentity(dir);
  const again = await loadOrCreateIdentity(dir);
  t.equal(first.type, 'Ed25519');
  t.ok(first.equals(again));
  t.equal(statSync(join(dir, IDENTITY_FILE)).mode & 0o777, 0o600);
  t.equal(statSync(dir).mode & 0o777, 0o700);
  t.same(readdirSync(dir), [IDENTITY_FILE], 'and nothing else is left');
});

await t.test('many who make it at once agree', async (t) => {
  const dir = t.testdir();
  const keys = await Promise.all(Array.from({ length: 16 }, () => loadOrCreateIdentity(dir)));
  t.ok(keys.every((key) => keys[0]?.equals(key)));
  t.same(readdirSync(dir), [IDENTITY_FILE]);
});

await t.test('a file that is no Ed25519 key is an error, and is left as it is', async (t) => {
  const dir = t.testdir({ [IDENTITY_FILE]: 'not a key' });
  await t.rejects(loadOrCreateIdentity(dir), { code: 'BC_CONFIG_INVALID', message: IDENTITY_FILE });
  t.equal(readFileSync(join(dir, IDENTITY_FILE), 'utf8'), 'not a key');
  writeFileSync(join(dir, IDENTITY_FILE), privateKeyToProtobuf(await generateKeyPair('secp256k1')));
  await t.rejects(loadOrCreateIdentity(dir), { code: 'BC_CONFIG_INVALID', message: /not Ed25519/ });
  writeFileSync(join(dir, IDENTITY_FILE), '');
  await t.rejects(loadOrCreateIdentity(dir), { code: 'BC_CONFIG_INVALID' }, 'an empty file');
});

await t.test('a folder that cannot be used says so', async (t) => {
  const dir = t.testdir({ file: 'in the way' });
  await t.rejects(loadOrCreateIdentity(join(dir, 'file')), { code: 'BC_PLATFORM' });
});
