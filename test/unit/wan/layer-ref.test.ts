import t from 'tap';
import { formatRoot, type Digest } from '../../../src/chunking/digest.ts';
import { checkLayerName, parseLayerRef } from '../../../src/wan/layer-ref.ts';

const root = 'ab'.repeat(32) as Digest;

void t.test('three ways to name a layer', async (t) => {
  t.same(parseLayerRef('base/debian@12.8'), { name: 'base/debian', version: '12.8' });
  t.same(parseLayerRef('base/debian'), { name: 'base/debian', version: undefined });
  t.same(parseLayerRef(formatRoot(root)), { root });
  t.same(parseLayerRef('a@1.0~rc1+b'), { name: 'a', version: '1.0~rc1+b' });
});

void t.test('what names nothing', async (t) => {
  for (const text of ['', '@', 'a@', '@1', '/a', 'a/', 'a//b', '../a', 'a/../b', '.a', 'a b', 'a@1@2', 'a@/1', 'ä', 'a'.repeat(201), `a@${'1'.repeat(101)}`, 'a\n']) {
    t.throws(() => parseLayerRef(text), { code: 'BC_USAGE' }, JSON.stringify(text));
  }
});

void t.test('a root cannot be a name', async (t) => {
  t.throws(() => checkLayerName(formatRoot(root), '1'), { code: 'BC_USAGE' });
  checkLayerName('app/editor', '2026.11');
});
