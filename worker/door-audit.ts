/**
 * Keeps in the audit what the Slack door refused, without letting whoever knocks fill it: one entry an hour for the same
 * person and reason, twenty an hour in all. What was left out is counted in the next entry.
 */
import type { DoorRefusal } from '../handlers/slack-app.ts';
import type { Log } from '../lib/log.ts';
import type { World } from '../lib/ports/world.ts';
import { appendAudit } from '../lib/repository/audit.ts';

const HOUR_MS = 3_600_000;
const ENTRIES_AN_HOUR = 20;

/** Takes refusals; never fails and never waits, since nobody is to be kept at the door. */
export const auditRefusals = (world: Pick<World, 'state' | 'clock'>, log: Log): ((refusal: DoorRefusal) => void) => {
  /** When each person and reason was written last, oldest first; no more than an hour back. */
  const written = new Map<string, number>();
  let leftOut = 0;
  let writing: Promise<unknown> = Promise.resolve();
  return ({ why, kind, team, channel, user, userName }) => {
    const now = world.clock.now().getTime();
    for (const [key, at] of written) if (now - at >= HOUR_MS) written.delete(key);
    const key = `${why} ${team} ${user}`;
    if (written.has(key) || written.size >= ENTRIES_AN_HOUR) {
      leftOut += 1;
      return;
    }
    written.set(key, now);
    const detail = { why, kind, team, channel, user, leftOutBefore: leftOut };
    leftOut = 0;
    const who = { person: `${userName} (slack)`, door: 'slack' as const };
    writing = writing
      .then(() => appendAudit(world, { who, act: 'door', stage: 'refused', on: null, detail }))
      .catch((error: unknown) => log.warn('a refusal at the door was not kept in the audit', { error }));
  };
};
