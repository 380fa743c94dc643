/** Structured logs (pino), one JSON line each, on stderr: stdout belongs to what the user asked for. */
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that names the role in every line. Synchronous, so that the last line before a crash is not lost. */
export function createLog(role: string, level: LogLevel): Logger {
  return pino({ level, base: { role }, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: pino.stdSerializers.errWithCause } }, pino.destination({ dest: 2, sync: true }));
}

export const silentLog: Logger = pino({ level: 'silent' });
