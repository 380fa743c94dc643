/** The OpenAPI document says of every route what it takes and gives; and what the core answers is what the document says. */
import t from 'tap';
import { startTestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

void t.test('every route is described', async (t) => {
  const core = await startTestCore(scratchDirectory(t));
  t.teardown(() => core.close());
  const document = (await core.app.inject('/openapi.json')).json<{ openapi: string; paths: Record<string, Record<string, Operation>> }>();
  t.equal(document.openapi, '3.1.0');
  const described = new Set(Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)));

  const registered = new Set(routesOf(core.app.printRoutes({ commonPrefix: false })));
  t.ok(registered.size >= 20, `${registered.size} routes`);
  t.same([...described].sort(), [...registered].sort());

  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      t.ok(operation.summary, `${name} says what it is for`);
      const parameters = operation.parameters?.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name) ?? [];
      t.same(parameters.sort(), [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort(), `${name} describes its parameters`);
      const successes = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      t.ok(successes.length > 0, `${name} says how it succeeds`);
      if (path.startsWith('/v1/') && path !== '/v1/health') t.ok(operation.responses['4XX'] !== undefined && operation.responses['5XX'] !== undefined, `${name} says how it fails`);
    }
  }
  const bodies = Object.entries(document.paths).filter(([, methods]) => methods['post']?.requestBody?.content['application/octet-stream'] !== undefined);
  t.same(bodies.map(([path]) => path).sort(), ['/v1/chunks', '/v1/deltas/{root}', '/v1/frames', '/v1/locate', '/v1/missing']);
});

/** `GET /v1/layers/{ref}` for each route of Fastify's list. */
function routesOf(tree: string): string[] {
  const routes: string[] = [];
  const parts: string[] = [];
  for (const line of tree.split('\n')) {
    const match = /^([│├└─\s]*)(\S+)(?: \(([A-Z, ]+)\))?$/u.exec(line);
    if (match === null) continue;
    const depth = (match[1]?.length ?? 0) / 4;
    parts.length = depth - 1;
    parts.push(match[2] ?? '');
    const path = parts.join('').replaceAll(/:(\w+)/g, '{$1}');
    for (const method of (match[3] ?? '').split(', ')) if (method !== '') routes.push(`${method} ${path}`);
  }
  return routes;
}
