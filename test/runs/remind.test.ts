/** Reminders of an approval: at the policy's times, once each, and none after the decision. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isOctoError, OctoError } from '../../lib/domain/errors.ts';
import type { Chat } from '../../lib/ports/chat.ts';
import { remindOfApproval } from '../../lib/runs/remind.ts';
import { readView } from '../../lib/runs/report.ts';
import { type ApprovalWorld, approvalWorld } from './approval-world.ts';

const MINUTE_MS = 60_000;

let place: ApprovalWorld;
let posted: { text: string; key: string | undefined }[];
let isDown: boolean;

beforeEach(() => {
  place = approvalWorld();
  place.policy({ effect: 'approve', verbs: ['backup'], approvers: ['@approvers'], remindMinutes: [30, 90] });
  posted = [];
  isDown = false;
});
afterEach(() => place.remove());

const chat = {
  post: async ({ text, once }: Parameters<Chat['post']>[0]) => {
    if (isDown) throw new OctoError('ChatUnavailable', 'slack is down');
    posted.push({ text, key: once?.key });
    return { channel: 'C1', ts: '1.0' };
  },
} as Chat;

const remind = async (runId: string) =>
  remindOfApproval({ ...place.world, chat }, (await readView(place.world, runId))!);

it('comes at its times, and names whom it waits for', async () => {
  const { id } = await place.waitingRun();
  await remind(id);
  expect(posted).toEqual([]);
  await place.clock.advance(30 * MINUTE_MS);
  await remind(id);
  await remind(id);
  expect(posted).toEqual([
    { text: expect.stringMatching(/ana asked for needs approval by 1 of @approvers/), key: `${id}:reminder:1` },
  ]);
  await place.clock.advance(60 * MINUTE_MS);
  await remind(id);
  expect(posted).toHaveLength(2);
});

it('is made up for once when nobody was there to send it, and sent again when Slack was not', async () => {
  const { id } = await place.waitingRun();
  await place.clock.advance(100 * MINUTE_MS);
  isDown = true;
  await expect(remind(id)).rejects.toSatisfy((thrown) => isOctoError(thrown, 'ChatUnavailable'));
  isDown = false;
  await remind(id);
  expect(posted).toHaveLength(1);
});

it('does not come after the decision', async () => {
  const run = await place.waitingRun();
  await place.say(run, 'ben');
  await place.clock.advance(100 * MINUTE_MS);
  await remind(run.id);
  expect(posted).toEqual([]);
});
