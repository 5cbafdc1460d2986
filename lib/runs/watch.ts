/**
 * The watcher for missing backups: says when an instance has had no good archive within its target, says it again with
 * growing pauses in one thread per outage, and closes the thread when a good one is back.
 *
 * It knows nothing of the tick's record and asks no server: it goes by the archives that exist. What it says is claimed before
 * it is posted, so that two watchers say it once; what the chat did not take is said at the next look.
 */
import { stateKeys } from '../domain/names.ts';
import { afterSaying, nextSay, type Outage, type Say, WatchRecord } from '../domain/settings/outage.ts';
import type { World } from '../ports/world.ts';
import { latestGood } from '../repository/catalog.ts';
import { listRuns } from '../repository/run-book.ts';
import { readSettings } from '../repository/settings.ts';
import { UNCHANGED, update } from '../repository/update.ts';
import { outageClosed, type OutageFacts, outageMessage, outageReminder } from '../slack/outage.ts';

type WatchWorld = Pick<World, 'state' | 'archives' | 'clock' | 'chat'>;

/** Looks at the age of the newest good archive and says what is to be said; tells whether it is overdue. `channel` as in `tick`. */
export const watch = async (
  world: WatchWorld,
  { instance, channel }: { instance: string; channel: string | null },
): Promise<{ isOverdue: boolean }> => {
  const { tell, targetHours, pause } = await readSettings(world, instance);
  const newestGood = await latestGood(world, instance);
  const now = world.clock.now();
  const sight = { now, newestGoodAt: newestGood?.takenAt ?? null, targetHours, channel: tell.channel ?? channel };
  let say: Say = 'nothing';
  const record = await update(world.state, watchAt(instance), (current) => {
    const next = nextSay(current, sight);
    say = next.say;
    return current !== null && say === 'nothing' && next.record.outage === current.outage ? UNCHANGED : next.record;
  });
  const outage = record?.outage ?? null;
  // An outage that is being closed is over.
  const isOverdue = outage !== null && (say as Say) !== 'close';
  if (say === 'nothing' || outage === null) return { isOverdue };
  const [lastRun = null] = await listRuns(world, { instance, limit: 1 });
  await speak(world, { instance, outage, newestGood, targetHours, pause, lastRun, tell: tell.mentions }, say);
  return { isOverdue };
};

const speak = async (world: WatchWorld, facts: OutageFacts, say: Say): Promise<void> => {
  const { instance, outage } = facts;
  const { channel } = outage;
  const now = world.clock.now();
  if (say === 'open' || outage.ts === null) {
    const once = { key: `outage:${instance}:${outage.since}`, since: outage.since };
    const { ts } = await world.chat.post({ ...outageMessage(facts, now), channel, once });
    return note(world, instance, afterSaying(outage, { ts, at: now }));
  }
  const { ts } = outage;
  if (say === 'remind') {
    await world.chat.post({ ...outageReminder(facts, now), channel, threadTs: ts });
    return note(world, instance, afterSaying(outage, { ts, at: now }));
  }
  await world.chat.update({ ...outageClosed(facts, now), channel, ts });
  await world.chat.post({ ...outageClosed(facts, now), channel, threadTs: ts });
  return note(world, instance, null);
};

const note = async (world: WatchWorld, instance: string, outage: Outage | null): Promise<void> => {
  await update(world.state, watchAt(instance), (current) => (current === null ? UNCHANGED : { ...current, outage }));
};

const watchAt = (instance: string) => ({ key: stateKeys.watch(instance), schema: WatchRecord });
