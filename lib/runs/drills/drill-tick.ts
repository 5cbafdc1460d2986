/**
 * The tick of drills: starts the one that the settings ask for, named by instance and slot, so that two tickers start one run.
 * What a downtime missed is made up for by one drill.
 */
import * as z from 'zod';
import { OctoError } from '../../domain/errors.ts';
import { stateKeys } from '../../domain/names.ts';
import { dueDrill } from '../../domain/settings/schedule.ts';
import { audited } from '../../repository/audit.ts';
import { readSettings } from '../../repository/settings.ts';
import { readRecord, UNCHANGED, update } from '../../repository/update.ts';
import { requestDrill } from './request-drill.ts';

/** Up to when the slots of drills were seen to. */
const TickRecord = z.strictObject({ checkedUntil: z.string() });

type TickWorld = Parameters<typeof requestDrill>[0];
type Ticking = { instance: string; channel: string | null };

/** Starts what is due for the instance; answers the run. `channel` as in `tick`. @throws as `requestDrill` */
export const drillTick = async (world: TickWorld, { instance, channel }: Ticking): Promise<string | null> => {
  const now = world.clock.now();
  const at = { key: stateKeys.schedule(instance, '.drill'), schema: TickRecord };
  const record = await readRecord(world.state, at);
  const settings = await readSettings(world, instance);
  const slot = record === null ? null : dueDrill(settings, new Date(record.checkedUntil), now);
  const checkedUntil = now.toISOString();
  const seen = () =>
    update(world.state, at, (current) =>
      current !== null && current.checkedUntil >= checkedUntil ? UNCHANGED : { checkedUntil },
    );
  const { archive } = settings.drill;
  const where = { instance, channel: settings.tell.channel ?? channel };
  const runId = slot === null ? null : await start(world, { ...where, slot, archive }).catch(unlessFinal(seen));
  await seen();
  return runId;
};

/** What passes by itself is tried at the next tick; what is refused is told once for each slot. */
const unlessFinal =
  (seen: () => Promise<unknown>) =>
  async (thrown: unknown): Promise<never> => {
    if (!OctoError.from(thrown).canRetry) await seen();
    throw thrown;
  };

const start = (
  world: TickWorld,
  { slot, archive, ...where }: Ticking & { slot: string; archive: string },
): Promise<string> => {
  const { instance, channel } = where;
  const who = { person: 'schedule', door: 'schedule' } as const;
  const act = { who, act: 'drill now', on: instance, detail: { slot, archive } };
  return audited(world, act, async () => {
    const requestKey = `drill:${instance}:${slot}`;
    const { run, isJoined } = await requestDrill(world, {
      instance,
      by: { ...who, channel },
      requestKey,
      reason: null,
      archive,
    });
    return { result: run.id, runId: run.id, detail: { isJoined } };
  });
};
