/**
 * What a run will do, as it was found by the preflight and shown to whoever approves it. Frozen in the run book, so that
 * the decision and the work that follows are about the same thing.
 *
 * The hash covers every field, so a plan holds what is decided upon and nothing that changes by itself, such as sizes.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';

export const Plan = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  workflow: z.enum(['backup']),
  instance: z.string(),
  consistency: z.enum(['quiesced', 'online']),
  octopus: z.strictObject({ version: z.string(), installationId: z.string() }),
  database: z.string(),
  /** Every folder that is taken, in order of path. */
  folders: z.array(z.strictObject({ name: z.string(), path: z.string() })),
  /** The key that will open what is stored. */
  masterKeyFingerprint: z.string(),
  /** Where the archive will lie in the archives store. */
  destination: z.string(),
});
export type Plan = z.infer<typeof Plan>;

/** SHA-256 in hex of the plan as canonical JSON: the same plan has the same hash wherever and by whomever it is made. */
export const planHash = (plan: Plan): string => createHash('sha256').update(canonicalJson(plan)).digest('hex');

/**
 * Members sorted by name, no white space: RFC 8785 for values that hold no fractions.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
};

/** The fields in which two plans differ. */
export const planDifferences = (one: Plan, other: Plan): string[] =>
  (Object.keys(one) as (keyof Plan)[]).filter((field) => canonicalJson(one[field]) !== canonicalJson(other[field]));
