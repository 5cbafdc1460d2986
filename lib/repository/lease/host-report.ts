/** What the worker of a host last said of itself, and of the preconditions that only it can look at. */
import * as z from 'zod';
import { stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, update } from '../update.ts';

const Finding = z.strictObject({
  subject: z.string(),
  verdict: z.enum(['OK', 'WARN', 'FAIL']),
  text: z.string(),
  act: z.string().nullable(),
});

export const HostReport = z.strictObject({
  /** Of the worker's program, and of the Node it runs on. */
  version: z.string(),
  node: z.string(),
  startedAt: z.string(),
  seenAt: z.string(),
  /** By instance; looked at less often than the worker reports. */
  checks: z.record(z.string(), z.strictObject({ at: z.string(), findings: z.array(Finding) })),
});
export type HostReport = z.infer<typeof HostReport>;

const at = (host: string) => ({ key: stateKeys.hostReport(host), schema: HostReport });

/** `null` when the worker never reported. */
export const readHostReport = (world: Pick<World, 'state'>, host: string): Promise<HostReport | null> =>
  readRecord(world.state, at(host));

/** The worker is the only one who writes it. */
export const writeHostReport = async (
  world: Pick<World, 'state'>,
  { host, report }: { host: string; report: HostReport },
): Promise<void> => {
  await update(world.state, at(host), () => report);
};
