/**
 * What a person may change about an instance while the bot runs; stored as `<instance>/settings.json`.
 *
 * The defaults are the product's recommendation; a field that an older file lacks has its default. How each one is
 * called, shown and typed is in `setting-fields.ts`.
 */
import * as z from 'zod';
import { ApprovalSetting, EVERYONE } from '../runs/approval-policy.ts';
import { DRILL_CHOICES } from '../drills/choice.ts';
import { DEFAULT_RETENTION, Retention } from '../archives/retention.ts';
import { cronProblem, isTimeZone } from './schedule.ts';

const Cron = z.string().refine((cron) => cronProblem(cron) === null, 'not a cron of five fields that ever fires');

const Schedule = z.strictObject({
  online: Cron.nullable(),
  quiesced: Cron.nullable(),
  timeZone: z.string().refine(isTimeZone, 'no time zone that this machine knows'),
});

const Drill = z.strictObject({ cron: Cron.nullable(), archive: z.enum(DRILL_CHOICES) });

/** No new runs by schedule until then; `until` null is until somebody resumes. */
const Pause = z.strictObject({ until: z.string().nullable(), by: z.string(), since: z.string() });

const Tell = z.strictObject({
  /** Where scheduled runs and alarms are shown; null is the channel of the configuration. */
  channel: z.string().nullable(),
  /** Slack ids of people (`U…`) and user groups (`S…`) that failures and alarms mention. */
  mentions: z.array(z.string().regex(/^[UWS][A-Z0-9]+$/)).max(20),
  /** Off: a scheduled run that ends good leaves no message; the weekly digest still counts it. */
  isSuccessShown: z.boolean(),
});

/** Growth is what a server does; of what it had it loses little by itself. */
const TOLERANCE = { shrinkPercent: 10, growthPercent: 100 };

const Tolerance = z.strictObject({ shrinkPercent: z.number().min(0), growthPercent: z.number().min(0) });

/** As it was stored when one bound held both ways: the narrower one still holds for what is lost. */
const EvenTolerance = z
  .strictObject({ sizePercent: z.number().min(0), filePercent: z.number().min(0) })
  .transform(({ sizePercent, filePercent }) => ({
    shrinkPercent: Math.min(sizePercent, filePercent),
    growthPercent: Math.max(sizePercent, filePercent, TOLERANCE.growthPercent),
  }));

export const Settings = z.strictObject({
  /** Random per instance: the HMAC key of master key fingerprints. */
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  schedule: Schedule.default({ online: '0 */4 * * *', quiesced: '0 2 * * *', timeZone: 'UTC' }),
  pause: Pause.nullable().default(null),
  /** Of `backup now`, when it does not say. */
  consistency: z.enum(['quiesced', 'online']).default('quiesced'),
  /** How long to wait for running tasks before quiet, and what to do when they do not end. */
  wait: z.strictObject({
    minutes: z.number().int().min(0).max(1440),
    onTimeout: z.enum(['abort', 'online', 'ask']),
  }),
  /** Names of the folders that backups take: the server's roles and those of `extraFolders`; null is all of them. */
  folders: z.array(z.string()).nullable().default(null),
  /** Whether backups that people ask for need approval: added to the policy of `octo.yml`. */
  approval: ApprovalSetting.default({ isRequired: false, approvers: [EVERYONE], count: 1 }),
  /** Maintenance mode is never on longer than this because of one run. */
  quietMinutes: z.number().int().min(1).max(1440),
  /** SQL Server's own compression of the backup file; off, so that unchanged pages are found again. */
  isDatabaseCompressed: z.boolean(),
  /** A restored copy is looked through with DBCC CHECKDB before anybody works with it. */
  isRestoreChecked: z.boolean().default(true),
  /** Beyond this share of the last good archive a change of database, folders or file count makes an archive suspicious. */
  tolerance: z.union([Tolerance, EvenTolerance]),
  /** An instance whose newest good archive is older than this is not safe: the watcher says so. */
  targetHours: z.number().int().min(1).max(744).default(8),
  /** When an archive is restored on trial; null is never. */
  drill: Drill.default({ cron: null, archive: 'random' }),
  /** A restore should not take longer: what drills took is compared with it. */
  restoreTargetMinutes: z.number().int().min(1).max(44_640).default(240),
  /** Which archives stay when a new good one is there. */
  retention: Retention.default(DEFAULT_RETENTION),
  /** Within so many days every stored object of every archive is read again and compared. */
  verifyDays: z.number().int().min(1).max(366).default(30),
  tell: Tell.default({ channel: null, mentions: [], isSuccessShown: true }),
});
export type Settings = z.infer<typeof Settings>;

export const defaultSettings = (salt: string): Settings =>
  Settings.parse({
    salt,
    wait: { minutes: 30, onTimeout: 'abort' },
    quietMinutes: 60,
    isDatabaseCompressed: false,
    tolerance: TOLERANCE,
  });
