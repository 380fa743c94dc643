/** Trees for end-to-end tests: seeded, so that a failure repeats; part text, part noise, so that they compress like real ones. */
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** xorshift32 (Marsaglia, 2003). */
export function randomBytes(seed: number, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** About half noise and half text. */
export function mixedBytes(seed: number, length: number): Buffer {
  const bytes = randomBytes(seed, length);
  for (let at = 0; at < length; at += 8192) bytes.fill(`line ${seed} at ${at}\n`, at, Math.min(length, at + 4096));
  return bytes;
}

/** `largeBytes` in files of 4 MiB, and a few hundred small files, links, odd names, modes and times. */
export function makeSampleTree(dir: string, largeBytes: number): void {
  mkdirSync(join(dir, 'bin'), { recursive: true });
  const fileBytes = 4 << 20;
  for (let at = 0, number = 0; at < largeBytes; at += fileBytes, number += 1) {
    writeFileSync(join(dir, 'bin', `part${number}`), mixedBytes(number + 1, Math.min(fileBytes, largeBytes - at)));
  }
  for (let folder = 0; folder < 20; folder += 1) {
    const path = join(dir, `lib${folder}`, 'deep');
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < 20; file += 1) writeFileSync(join(path, `module${file}.js`), mixedBytes(1000 * folder + file + 7, 200 + 317 * file));
  }
  writeFileSync(join(dir, 'empty'), '');
  mkdirSync(join(dir, 'empty dir'));
  writeFileSync(join(dir, 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(dir, 'run.sh'), 0o4755);
  symlinkSync('lib0/deep', join(dir, 'link'));
  symlinkSync('/etc/hostname', join(dir, 'link out'));
  linkSync(join(dir, 'run.sh'), join(dir, 'zz hard link'));
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'a name that is not UTF-8');
}
