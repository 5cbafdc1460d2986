/**
 * The section `drill` of `octo.yml`: where archives are restored on trial. A SQL Server of its own, or, only where it says so,
 * that of the instance.
 */
import * as z from 'zod';

/** So fast a drill reads beside a production database, unless told otherwise. */
const PRODUCTION_MEGABYTES_PER_SECOND = 50;

const text = z.string().min(1);

/** Given how a file writes names, paths and secrets. */
export const drillSection = <N extends z.ZodType, P extends z.ZodType<string>, R extends z.ZodType<string>>({
  name,
  path,
  reference,
}: {
  name: N;
  path: P;
  reference: R;
}) => {
  /** For the files of one archive at a time; in the data directory where left out. */
  const folder = path.optional();
  return z.union([
    z.strictObject({
      host: z.strictObject({
        /** Whose worker does it. */
        name,
        database: z.strictObject({
          connectionString: reference,
          share: z.strictObject({ sqlServerPath: text, workerPath: text }),
          stallSeconds: z.number().int().min(1).default(900),
        }),
      }),
      folder,
    }),
    z.strictObject({
      onProduction: z.literal(true, 'onProduction is true, or left out'),
      megabytesPerSecond: z.number().positive().default(PRODUCTION_MEGABYTES_PER_SECOND),
      folder,
    }),
  ]);
};
