import t from 'tap';
import { processorKind, thisMachine } from '../../../benchmarks/runner/machine.ts';

void t.test('processors of one name are told apart by family and model', (t) => {
  const cpuinfo = ['processor\t: 0', 'vendor_id\t: AuthenticAMD', 'cpu family\t: 25', 'model\t\t: 17', 'model name\t: AMD EPYC', 'stepping\t: 1', '', 'processor\t: 1', 'cpu family\t: 6', 'model\t\t: 85', ''].join('\n');
  t.equal(processorKind(cpuinfo), ' (family 25, model 17)');
  t.equal(processorKind('Processor\t: ARMv7\n'), '');
  t.equal(processorKind(''), '');
  t.match(thisMachine().cpu, /\S/);
  t.end();
});
