/** How the core is: figures, and the check of everything it stores. */
import { ScrubJson, StatsJson } from '../wan/api-messages.ts';
import { ERRORS, type CoreApp, type CoreParts } from './core-app.ts';

export function upkeepRoutes(app: CoreApp, { store, traffic, scrub, startedAt }: CoreParts): void {
  app.get('/v1/stats', {
    schema: { summary: 'What is stored, and what was sent since the start', tags: ['upkeep'], response: { 200: StatsJson, ...ERRORS } },
  }, async () => {
    const { quotaBytes, ...stats } = store.stats();
    return { store: { ...stats, ...(quotaBytes === undefined ? {} : { quotaBytes }) }, wan: traffic.all, startedAt };
  });

  app.post('/v1/scrub', {
    schema: { summary: 'Begin to read and verify every pack, if that is not under way', tags: ['upkeep'], response: { 202: ScrubJson, ...ERRORS } },
  }, async (_request, reply) => reply.status(202).send(scrub.start()));

  app.get('/v1/scrub', {
    schema: { summary: 'The scrub under way, or the last one', tags: ['upkeep'], response: { 200: ScrubJson, ...ERRORS } },
  }, async () => scrub.status);
}
