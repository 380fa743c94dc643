/** Who has reported in: the last report of each member of each site, kept in the catalog's database under `member/<site>/<peerId>`. */
import type { Level } from 'level';
import { BranchcastError } from '../base/errors.ts';
import { SITE_MEMBERS_MAX, SITES_MAX } from '../base/limits/wan.ts';
import type { Member, MemberReport } from '../wan/api-messages.ts';

export class SiteRegistry {
  readonly #db: Level;
  readonly #sites = new Map<string, Map<string, Member>>();

  private constructor(db: Level) {
    this.#db = db;
  }

  static async open(db: Level): Promise<SiteRegistry> {
    const registry = new SiteRegistry(db);
    for await (const [key, json] of db.iterator({ gt: 'member/', lt: 'member/~' })) {
      const site = key.split('/')[1];
      if (site !== undefined) registry.#remember(site, JSON.parse(json) as Member);
    }
    return registry;
  }

  get names(): readonly string[] {
    return [...this.#sites.keys()];
  }

  /** undefined: nobody of that site has reported in. */
  members(site: string): readonly Member[] | undefined {
    const members = this.#sites.get(site);
    return members === undefined ? undefined : [...members.values()];
  }

  /** Replaces the member's last report. BC_LIMIT_EXCEEDED when there are too many sites, or members of this one. */
  async report(site: string, peerId: string, report: MemberReport, nowMs: number): Promise<void> {
    const members = this.#sites.get(site);
    if (members === undefined && this.#sites.size >= SITES_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `there are ${SITES_MAX} sites already, as many as the core keeps`);
    if (members !== undefined && !members.has(peerId) && members.size >= SITE_MEMBERS_MAX) throw new BranchcastError('BC_LIMIT_EXCEEDED', `site ${site} has ${SITE_MEMBERS_MAX} members already, as many as the core keeps`);
    const member: Member = { peerId, reportedAt: new Date(nowMs).toISOString(), report };
    this.#remember(site, member);
    // Not synced: the member reports again.
    await this.#db.put(`member/${site}/${peerId}`, JSON.stringify(member));
  }

  #remember(site: string, member: Member): void {
    const members = this.#sites.get(site) ?? new Map<string, Member>();
    members.set(member.peerId, member);
    this.#sites.set(site, members);
  }
}
