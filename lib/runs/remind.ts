/**
 * Reminders of a run that waits for people, for their approval or for an answer: messages of their own, since an edited card rings nobody's phone.
 *
 * The workflow wakes at each of them; what was missed while nothing ran, or while Slack was down, is made up for by one.
 */
import * as z from 'zod';
import { remindersDue } from '../domain/runs/approval.ts';
import { stateKeys } from '../domain/names.ts';
import type { RunView } from '../domain/runs/run.ts';
import type { Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';
import { readRecord, update } from '../repository/update.ts';
import { reminder } from '../slack/approval-card.ts';
import { awaitedApproval } from '../slack/approval-words.ts';
import { openQuestion, questionCall } from '../slack/run/question-card.ts';

const Told = z.strictObject({ n: z.number().int() });
const Reminded = z.strictObject({ count: z.number().int() });

/** Reminds the channel when it is time to, once for each reminder of the policy. */
export const remindOfApproval = async (
  world: Pick<World, 'state' | 'chat' | 'clock'>,
  view: RunView,
): Promise<void> => {
  const { channel } = view.run.requestedBy;
  const approval = awaitedApproval(view);
  if (channel === null || approval?.opening == null) return;
  const count = remindersDue(approval.opening, approval.requirement, world.clock.now());
  const at = { key: stateKeys.reminder(view.run.id), schema: Reminded };
  if (count <= ((await readRecord(world.state, at))?.count ?? 0)) return;
  const once = { key: `${view.run.id}:reminder:${count}`, since: view.run.requestedAt };
  await world.chat.post({ ...reminder(view, approval), channel, once });
  await update(world.state, at, () => ({ count }));
};

/** Calls people to a question of the run, once for each question. */
export const tellOfQuestion = async (
  world: Pick<World, 'state' | 'chat'>,
  view: RunView,
  { tell }: Pick<Settings, 'tell'>,
): Promise<void> => {
  const { channel } = view.run.requestedBy;
  const question = openQuestion(view);
  if (channel === null || question === null) return;
  const at = { key: stateKeys.questionNotice(view.run.id), schema: Told };
  if (((await readRecord(world.state, at))?.n ?? 0) >= question.n) return;
  const once = { key: `${view.run.id}:question:${question.n}`, since: view.run.requestedAt };
  await world.chat.post({ ...questionCall(view, question, tell.mentions), channel, once });
  await update(world.state, at, () => ({ n: question.n }));
};
