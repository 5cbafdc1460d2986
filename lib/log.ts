/**
 * The log: one JSON line per entry, for whoever looks afterwards why a run went as it did.
 *
 * Secrets print as `[secret]` by themselves (`domain/secret.ts`). Errors keep their code, facts and causes, but no stack
 * unless they are a mistake of ours.
 */
import { OctoError } from './domain/errors.ts';

/** `run`, `step` and `code` are columns of their own; whatever else is given goes under `facts`. */
export type LogDetail = { run?: string; step?: string; code?: string; error?: unknown; [fact: string]: unknown };

export type Log = Record<'info' | 'warn' | 'error', (message: string, detail?: LogDetail) => void>;

/** A log that hands each finished line to `write`; without options it goes to stderr with the time of this machine. */
export const createLog = ({
  write = (line: string): void => void process.stderr.write(line),
  now = (): Date => new Date(),
} = {}): Log => {
  const at =
    (level: keyof Log): Log['info'] =>
    (message, { run, step, code, error, ...facts } = {}) => {
      const failure = error === undefined ? undefined : OctoError.from(error);
      const entry = { at: now().toISOString(), level, run, step, code: code ?? failure?.code, message };
      write(`${JSON.stringify({ ...entry, facts, error: failure && describe(failure) })}\n`);
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
};

/** The error as plain values, causes inside out. */
const describe = (error: OctoError): object => ({
  ...error.toJSON(),
  ...(error.cause === undefined ? {} : { cause: causeOf(error.cause) }),
});

const causeOf = (cause: unknown): unknown => {
  if (cause instanceof OctoError) return describe(cause);
  return cause instanceof Error ? { name: cause.name, stack: cause.stack } : String(cause);
};
