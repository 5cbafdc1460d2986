/**
 * The five-minute tick: starts the backup that the schedule asks for, by the same code in every mode.
 *
 * The run is named by instance and slot, so two tickers start one run. What was looked at is noted after the run stands: a kill
 * in between looks again and finds the same run. Slots that nobody was there to start are made up for by one run, which says so.
 */
import * as z from 'zod';
import { stateKeys } from '../domain/names.ts';
import { type DueRun, dueRun } from '../domain/settings/schedule.ts';
import { audited } from '../repository/audit.ts';
import { readSettings } from '../repository/settings.ts';
import { readRecord, UNCHANGED, update } from '../repository/update.ts';
import { requestBackup } from './request.ts';

/** Up to when the slots of an instance were seen to. */
const TickRecord = z.strictObject({ checkedUntil: z.string() });

type TickWorld = Parameters<typeof requestBackup>[0];

/** What a tick did for an instance; null when nothing was due. `isJoined` when another run was at work anyway. */
export type Ticked = { runId: string; isJoined: boolean; isCatchUp: boolean } | null;

/** Starts what is due for the instance. `channel` is where runs are shown unless the settings name another. */
export const tick = async (
  world: TickWorld,
  { instance, channel }: { instance: string; channel: string | null },
): Promise<Ticked> => {
  const now = world.clock.now();
  const at = { key: stateKeys.schedule(instance), schema: TickRecord };
  const record = await readRecord(world.state, at);
  const settings = await readSettings(world, instance);
  // The first look ever begins the schedule: nothing before it was missed.
  const due = record === null ? null : dueRun(settings, new Date(record.checkedUntil), now);
  const started =
    due === null ? null : await start(world, { instance, channel: settings.tell.channel ?? channel, due });
  const checkedUntil = now.toISOString();
  await update(world.state, at, (current) =>
    current !== null && current.checkedUntil >= checkedUntil ? UNCHANGED : { checkedUntil },
  );
  return started;
};

const start = async (
  world: TickWorld,
  { instance, channel, due }: { instance: string; channel: string | null; due: DueRun },
): Promise<Ticked> => {
  const { at, consistency, isCatchUp } = due;
  const reason = reasonOf(due);
  const who = { person: 'schedule', door: 'schedule' } as const;
  const act = { who, act: 'backup now', on: instance, detail: { slot: at, consistency, reason } };
  return audited(world, act, async () => {
    const by = { ...who, channel };
    const requestKey = `schedule:${instance}:${at}`;
    const { run, isJoined } = await requestBackup(world, { instance, by, requestKey, reason, consistency });
    return { result: { runId: run.id, isJoined, isCatchUp }, runId: run.id, detail: { isJoined } };
  });
};

const reasonOf = ({ missed, isCatchUp }: DueRun): string | null => {
  const [first] = missed;
  if (first === undefined) return null;
  const what = `${missed.length} scheduled backup${missed.length === 1 ? ' was' : 's were'} missed since ${first.at}`;
  return isCatchUp ? `catch-up: ${what}, while nothing was there to start them` : `scheduled; ${what}`;
};
