/** One precondition as it was found, and the act that mends it. Thrown errors become findings here, so no check hides another. */
import { OctoError } from '../domain/errors.ts';

export type Finding = {
  subject: string;
  verdict: 'OK' | 'WARN' | 'FAIL';
  text: string;
  /** What a person should do; null when there is nothing to do. */
  act: string | null;
};

export const ok = (subject: string, text: string): Finding => ({ subject, verdict: 'OK', text, act: null });

export const warn = (subject: string, text: string, act: string): Finding => ({ subject, verdict: 'WARN', text, act });

export const fail = (subject: string, text: string, act: string): Finding => ({ subject, verdict: 'FAIL', text, act });

/** Runs one check; what it throws is its finding. */
export const look = async (subject: string, check: () => Promise<Finding>): Promise<Finding> => {
  try {
    return await check();
  } catch (thrown) {
    const error = OctoError.from(thrown);
    return fail(subject, `${error.message} (${error.code})`, error.advice);
  }
};

/** `9.4 GB` */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
