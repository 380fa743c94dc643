import t from 'tap';
import { Bundler } from '../../../src/chunking/bundler.ts';

const params = { minBytes: 100, maxBytes: 300 };

void t.test('a bundle ends at a hit, once it has minBytes', (t) => {
  const bundler = new Bundler(params);
  t.same(bundler.add(60, true), { closesBefore: false, offsetBytes: 0, closesAfter: false }, 'a hit too early');
  t.same(bundler.add(30, false), { closesBefore: false, offsetBytes: 60, closesAfter: false });
  t.same(bundler.add(10, true), { closesBefore: false, offsetBytes: 90, closesAfter: true }, 'exactly minBytes');
  t.same(bundler.add(100, true), { closesBefore: false, offsetBytes: 0, closesAfter: true }, 'a file alone');
  t.same(bundler.add(1, false), { closesBefore: false, offsetBytes: 0, closesAfter: false });
  t.end();
});

void t.test('a bundle never exceeds maxBytes', (t) => {
  const bundler = new Bundler(params);
  t.same(bundler.add(200, false), { closesBefore: false, offsetBytes: 0, closesAfter: false });
  t.same(bundler.add(100, false), { closesBefore: false, offsetBytes: 200, closesAfter: false }, 'exactly maxBytes');
  t.same(bundler.add(1, false), { closesBefore: true, offsetBytes: 0, closesAfter: false });
  t.same(bundler.add(300, true), { closesBefore: true, offsetBytes: 0, closesAfter: true }, 'alone, and ended by its own hit');
  t.same(bundler.add(300, false), { closesBefore: false, offsetBytes: 0, closesAfter: false }, 'nothing is open');
  t.end();
});
