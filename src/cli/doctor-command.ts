/** `branchcast doctor`: says what is wrong with this machine's setup and what to do. */
import { Argument, type Command } from 'commander';
import { loadConfig, ROLES, type HostPort, type Role } from '../base/config.ts';
import { action, addCommand } from './command.ts';
import { configSchemas } from './config-schemas.ts';
import { DEFAULT_CORE_URL } from './core-url.ts';
import { addressChecks, checkCore, checkDataDir, checkNamespaces, checkNative, checkNode, checkTrust, type Check } from './doctor-checks.ts';
import type { Outcome } from './outcome.ts';

/** What a role's configuration means for this machine. */
interface Setup {
  readonly dataDir: string;
  readonly listen: readonly string[];
  readonly coreUrl: string | undefined;
}

export function addDoctorCommand(program: Command): void {
  addCommand(program, 'doctor', 'check what a daemon needs on this machine', ['branchcast doctor', 'branchcast doctor reflector /etc/branchcast/reflector.yaml', 'branchcast doctor agent --json'])
    .addArgument(new Argument('[role]', 'also check the addresses and the data directory of this daemon').choices(ROLES))
    .argument('[file]', 'its configuration file')
    .action(action(async ({ signal }, role: Role | undefined, file: string | undefined): Promise<Outcome> => {
      const setup = setupOf(role, file);
      const checks: Check[] = [
        checkNode(),
        ...(await checkNative()),
        await checkDataDir(setup.dataDir),
        ...(await addressChecks(setup.listen)),
        ...(setup.coreUrl === undefined ? [] : await checkCore(setup.coreUrl, signal)),
        await checkNamespaces(),
        checkTrust(setup.listen),
      ];
      const failed = checks.some((check) => check.status === 'fail');
      return { json: { ok: !failed, checks }, text: checks.map(describe).join('\n'), exitCode: failed ? 1 : 0 };
    }));
}

function setupOf(role: Role | undefined, file: string | undefined): Setup {
  const options = { file, env: process.env };
  if (role === undefined) return { dataDir: process.cwd(), listen: [], coreUrl: process.env['BRANCHCAST_CORE_URL'] ?? DEFAULT_CORE_URL };
  if (role === 'core') {
    const { values } = loadConfig(configSchemas.core, options);
    return { dataDir: values.dataDir, listen: [address(values.listen)], coreUrl: undefined };
  }
  if (role === 'reflector') {
    const { values } = loadConfig(configSchemas.reflector, options);
    return { dataDir: values.dataDir, listen: [address(values.apiListen), ...values.lanListen.map(multiaddrAddress)], coreUrl: values.coreUrl };
  }
  const { values } = loadConfig(configSchemas.agent, options);
  return { dataDir: values.dataDir, listen: [address(values.apiListen)], coreUrl: values.coreUrl };
}

function address({ host, port }: HostPort): string {
  return `${host} ${port}`;
}

/** `/ip4/10.0.0.1/tcp/7410` -> `10.0.0.1 7410`. */
function multiaddrAddress(multiaddr: string): string {
  const [, , host = '', , port = ''] = multiaddr.split('/');
  return `${host} ${port}`;
}

function describe({ name, status, message, advice }: Check): string {
  return `${status.padEnd(4)}  ${name}: ${message}${advice === undefined ? '' : `\n      ${advice}`}`;
}
