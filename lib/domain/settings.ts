/**
 * What a person may change about an instance while the bot runs; stored as `<instance>/settings.json`.
 * The defaults are the product's recommendation.
 */
import * as z from 'zod';

export const Settings = z.strictObject({
  /** Random per instance: the HMAC key of master key fingerprints. */
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  /** How long to wait for running tasks before quiet, and what to do when they do not end. */
  wait: z.strictObject({
    minutes: z.number().int().min(0).max(1440),
    onTimeout: z.enum(['abort', 'online']),
  }),
  /** Maintenance mode is never on longer than this because of one run. */
  quietMinutes: z.number().int().min(1).max(1440),
  /** SQL Server's own compression of the backup file; off, so that unchanged pages are found again. */
  isDatabaseCompressed: z.boolean(),
  /** A change beyond this share of the last good archive, either way, makes an archive suspicious. */
  tolerance: z.strictObject({ sizePercent: z.number().min(0), filePercent: z.number().min(0) }),
});
export type Settings = z.infer<typeof Settings>;

export const defaultSettings = (salt: string): Settings => ({
  salt,
  wait: { minutes: 30, onTimeout: 'abort' },
  quietMinutes: 60,
  isDatabaseCompressed: false,
  tolerance: { sizePercent: 30, filePercent: 10 },
});
