/**
 * What a run will do, as it was found by the preflight and shown to whoever approves it. Frozen in the run book, so that
 * the decision and the work that follows are about the same thing.
 *
 * The hash covers every field, so a plan holds what is decided upon and nothing that changes by itself, such as sizes.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { LeftOut } from '../archives/left-out.ts';
import { DeletedArchive, RESTORE_AS, RESTORE_PARTS } from './run.ts';

/** Every folder that is read or overwritten, in order of path. */
const Folders = z.array(z.strictObject({ name: z.string(), path: z.string() }));

const BackupPlan = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  workflow: z.literal('backup'),
  instance: z.string(),
  consistency: z.enum(['quiesced', 'online']),
  octopus: z.strictObject({ version: z.string(), installationId: z.string() }),
  database: z.string(),
  folders: Folders,
  /** Absent where every folder is taken. */
  leftOut: z.array(LeftOut).optional(),
  /** The key that will open what is stored. */
  masterKeyFingerprint: z.string(),
  /** Where the archive will lie in the archives store. */
  destination: z.string(),
});
export type BackupPlan = z.infer<typeof BackupPlan>;

/** What people would lose: as it was counted, and the bound that was shown and must hold when the server is quiet. */
const Loss = z.strictObject({ what: z.string(), found: z.number().int(), atMost: z.number().int() });
export type Loss = z.infer<typeof Loss>;

const RestorePlan = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  workflow: z.literal('restore'),
  /** The target. */
  instance: z.string(),
  archive: z.strictObject({ archiveId: z.string(), instance: z.string(), takenAt: z.string(), word: z.string() }),
  parts: z.enum(RESTORE_PARTS),
  as: z.enum(RESTORE_AS),
  /** `installationId` is null where the server does not answer. */
  octopus: z.strictObject({ version: z.string(), installationId: z.string().nullable(), isRunning: z.boolean() }),
  /** Overwritten; null where the database is left alone. */
  database: z.string().nullable(),
  folders: Folders,
  /** Where the restored database names another path than the target has, and is told the target's. */
  pointed: Folders,
  /** Fingerprints of the archive's key and of the target's own, each as its instance names it. */
  masterKey: z.strictObject({ archive: z.string(), target: z.string(), isReplaced: z.boolean() }),
  /** `backup`: the target is archived first. `kept`: it cannot be, so its database and folders stay on the host. */
  safety: z.enum(['backup', 'kept']),
  losses: z.array(Loss),
  /** What was looked at and found right, as phrases. */
  checked: z.array(z.string()),
  /** What an approver should know although nothing stands against it. */
  warnings: z.array(z.string()),
});
export type RestorePlan = z.infer<typeof RestorePlan>;

const DeletePlan = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  workflow: z.literal('delete'),
  instance: z.string(),
  archive: DeletedArchive,
});
export type DeletePlan = z.infer<typeof DeletePlan>;

const DrillPlan = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  workflow: z.literal('drill'),
  instance: z.string(),
  archive: z.strictObject({ archiveId: z.string(), takenAt: z.string(), word: z.string() }),
  /** On a SQL Server of its own, or on that of the instance. */
  place: z.enum(['own', 'production']),
  /** Both are made for the drill and removed after it. */
  database: z.string(),
  folder: z.string(),
});
export type DrillPlan = z.infer<typeof DrillPlan>;

export const Plan = z.discriminatedUnion('workflow', [BackupPlan, RestorePlan, DeletePlan, DrillPlan]);
export type Plan = z.infer<typeof Plan>;

/** The bound shown for a count: a fifth more, and room for a few in any case, so that a busy server stays within it. */
export const lossBound = (found: number): number => {
  const generous = Math.ceil(found * 1.2) + 5;
  const step = generous <= 100 ? 10 : 10 ** (String(generous).length - 2) * 5;
  return Math.ceil(generous / step) * step;
};

/** What has grown beyond its bound since, as phrases. */
export const lossesBeyond = (losses: readonly Loss[], now: Readonly<Record<string, number>>): string[] =>
  losses.flatMap(({ what, atMost }) => {
    const found = now[what] ?? 0;
    return found > atMost ? [`${found} ${what} instead of at most ${atMost}`] : [];
  });

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

/** Counts of what people do go up by themselves; they are held to their bound, see `lossesBeyond`. */
const MOVING = new Set(['losses', 'checked', 'warnings']);

/** The fields in which two plans for the same work differ. */
export const planDifferences = (one: Plan, other: Plan): string[] => {
  const fields = (plan: Plan): Record<string, unknown> => plan;
  return Object.keys(one).filter(
    (field) => !MOVING.has(field) && canonicalJson(fields(one)[field]) !== canonicalJson(fields(other)[field]),
  );
};
