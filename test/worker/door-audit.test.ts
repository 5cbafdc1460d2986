/** What the door refused is in the audit, and nobody can fill the audit by knocking. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { DoorRefusal } from '../../handlers/slack-app.ts';
import type { AuditEntry } from '../../lib/domain/audit.ts';
import { createLog } from '../../lib/log.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { auditRefusals } from '../../worker/door-audit.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';

const refusal = (user: string, why: DoorRefusal['why'] = 'channel'): DoorRefusal => ({
  kind: 'command',
  team: 'T1',
  channel: 'C9',
  user,
  userName: user.toLowerCase(),
  why,
});

const setUp = () => {
  const { world } = scheduleWorld('2026-03-04T10:00:00.000Z');
  const refused = auditRefusals(world, createLog());
  const entries = async (count: number): Promise<AuditEntry[]> => {
    for (;;) {
      const found = await Array.fromAsync(newestEntries(world));
      if (found.length >= count) return found.flatMap(({ entry }) => entry ?? []).toReversed();
      await pause(5);
    }
  };
  return { world, refused, entries };
};

it('keeps who was refused and why, once an hour, with what was left out in between', async () => {
  const { world, refused, entries } = setUp();
  for (let knock = 0; knock < 5; knock += 1) refused(refusal('U1'));
  refused(refusal('U1', 'repetition'));
  expect(await entries(2)).toMatchObject([
    {
      act: 'door',
      stage: 'refused',
      who: { person: 'u1 (slack)', door: 'slack' },
      detail: { why: 'channel', channel: 'C9' },
    },
    { detail: { why: 'repetition', leftOutBefore: 4 } },
  ]);
  await world.clock.advance(3_600_000);
  refused(refusal('U1'));
  expect(await entries(3)).toHaveLength(3);
});

it('keeps twenty an hour at most, whoever they are', async () => {
  const { world, refused, entries } = setUp();
  for (let user = 0; user < 100; user += 1) refused(refusal(`U${user}`));
  expect(await entries(20)).toHaveLength(20);
  await world.clock.advance(3_600_000);
  refused(refusal('U100'));
  expect((await entries(21)).at(-1)).toMatchObject({ detail: { leftOutBefore: 80 } });
});
