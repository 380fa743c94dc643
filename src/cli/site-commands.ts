/** `branchcast site`: what the sites have reported to the core. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import { action, addCommand, addGroup } from './command.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { facts, table, type Outcome } from './outcome.ts';

export function addSiteCommands(program: Command): void {
  const group = addGroup(program, 'site', 'what the sites report', ['branchcast site list', 'branchcast site status paris']);

  addCommand(group, 'list', 'list the sites that the core has heard of', ['branchcast site list --core http://core:7400'])
    .addOption(coreOption())
    .action(action(async ({ signal }, options: CoreOptions): Promise<Outcome> => {
      const sites = await withCore(options, (client) => client.listSites({ signal }));
      const rows = sites.map((site) => [site.name, site.memberCount, formatBytes(site.wan.chunkBytes), formatBytes(site.wan.bytes), site.lastReportAt ?? 'never']);
      return { json: { sites }, text: rows.length === 0 ? 'no site has reported yet' : table(['SITE', 'MEMBERS', 'CHUNKS SENT', 'ALL SENT', 'LAST REPORT'], rows) };
    }));

  addCommand(group, 'status', 'show the members of one site and what they said last', ['branchcast site status paris --json'])
    .argument('<site>', 'name of the site')
    .addOption(coreOption())
    .action(action(async ({ signal }, name: string, options: CoreOptions): Promise<Outcome> => {
      const site = await withCore(options, (client) => client.site(name, { signal }));
      const rows = site.members.map(({ peerId, reportedAt, report }) => [report.role, peerId, report.version ?? '', reportedAt, reachableAddress(report.addresses ?? [])]);
      const head = facts([['site', site.name], ['members', site.members.length], ['chunk bytes sent', formatBytes(site.wan.chunkBytes)], ['all bytes sent', formatBytes(site.wan.bytes)]]);
      return { json: site, text: rows.length === 0 ? head : `${head}\n\n${table(['ROLE', 'PEER', 'VERSION', 'REPORTED', 'ADDRESS'], rows)}` };
    }));
}

/** The first address that another machine could dial; a host that listens everywhere names its loopback too. */
function reachableAddress(addresses: readonly string[]): string {
  return addresses.find((address) => !/^\/ip[46]\/(127\.|::1\/)/.test(address)) ?? addresses[0] ?? '';
}
