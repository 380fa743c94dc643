/** Sites: who has reported in, and what the WAN carried for them. */
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { MEMBER_REPORT_BYTES_MAX } from '../base/limits/wan.ts';
import { MemberReportJson, PeerId, SiteDetailsJson, SiteName, SitesJson } from '../wan/api-messages.ts';
import { ERRORS, type CoreApp, type CoreParts } from './core-app.ts';

export function siteRoutes(app: CoreApp, { sites, traffic, clock }: CoreParts): void {
  app.put('/v1/sites/:site/members/:peerId', {
    bodyLimit: MEMBER_REPORT_BYTES_MAX,
    schema: {
      summary: "A member's report of itself; it replaces the one before", tags: ['sites'],
      params: Type.Object({ site: SiteName, peerId: PeerId }), body: MemberReportJson, response: { 204: Type.Null({ description: 'Noted' }), ...ERRORS },
    },
  }, async ({ params, body }, reply) => {
    await sites.report(params.site, params.peerId, body, clock.wallMs());
    return reply.status(204).send(null);
  });

  app.get('/v1/sites', {
    schema: { summary: 'Sites that have reported in or asked for anything', tags: ['sites'], response: { 200: SitesJson, ...ERRORS } },
  }, async () => {
    const names = [...new Set([...sites.names, ...traffic.sites])].sort();
    return {
      sites: names.map((name) => {
        const members = sites.members(name) ?? [];
        const lastReportAt = members.map((member) => member.reportedAt).sort().at(-1);
        return { name, memberCount: members.length, ...(lastReportAt === undefined ? {} : { lastReportAt }), wan: traffic.of(name) };
      }),
    };
  });

  app.get('/v1/sites/:site', {
    schema: { summary: 'One site, with the last report of each member', tags: ['sites'], params: Type.Object({ site: SiteName }), response: { 200: SiteDetailsJson, ...ERRORS } },
  }, async ({ params }) => {
    const members = sites.members(params.site);
    if (members === undefined && !traffic.sites.includes(params.site)) {
      throw new BranchcastError('BC_SITE_NOT_FOUND', `nobody of a site ${params.site} has reported in or asked for anything`, { details: { site: params.site } });
    }
    return { name: params.site, members: [...(members ?? [])], wan: traffic.of(params.site) };
  });
}
