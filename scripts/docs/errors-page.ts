/** docs/errors.md, from the one table of errors. */
import { ERRORS, type RetryClass } from '../../src/base/errors.ts';

const RETRY: Readonly<Record<RetryClass, string>> = { never: 'no', later: 'later', 'other-source': 'another source' };

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, kind]) => `| \`${code}\` | ${kind.meaning} | ${kind.advice} | ${RETRY[kind.retry]} | ${kind.http} | ${kind.exit} |`);
  return `# Errors

<!-- Generated from src/base/errors.ts by \`npm run docs\`. -->

Every error has a code that never changes: match on it, not on the message. The message names the thing and the figures; with
\`--json\` the CLI prints \`{ "error": { "code", "message", "details", "advice" } }\` on stdout, and the HTTP APIs answer the same with the status below.

*Retry* says what the software itself does: **later** tries again after a pause, **another source** asks somebody else at once, **no** needs a person.

Exit codes of the CLI: 0 done, 1 failed, 2 wrong usage or configuration, 3 done in part (or a difference was found), 130 cancelled.

| code | what happened | what to do | retry | HTTP | exit |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
