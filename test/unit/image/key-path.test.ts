import t from 'tap';
import { pathBelow } from '../../../src/image/key-path.ts';
import { keyFromPath, ROOT_KEY } from '../../../src/manifest/key.ts';

const root = Buffer.from('/ro\0ot');
for (const path of ['a', 'a/b', 'usr/share/doc/x.y', 'é/ü', `${'n'.repeat(255)}/b`]) t.equal(pathBelow(root, keyFromPath(path)).toString(), `/ro\0ot/${path}`, 'what is above is left as it is');
t.equal(pathBelow(root, ROOT_KEY), root);
