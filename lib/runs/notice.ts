/**
 * What is told of a run besides its card: an edit rings nobody's phone, so an end that somebody must look at is a message
 * of its own that mentions those whom the settings name. And the other way round: whether a run has a card at all.
 */
import * as z from 'zod';
import { stateKeys } from '../domain/names.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import type { Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';
import { readRecord, UNCHANGED, update } from '../repository/update.ts';
import { runNotice } from '../slack/run/run-notice.ts';

const Notice = z.strictObject({ ts: z.string() });

/** Later nobody is called any more, nor shown a run that was never shown: settings may have changed since. */
const FRESH_MS = 86_400_000;

/** Is this run worth a message? A scheduled one that goes well may be kept quiet, unless somebody has to approve it. */
export const hasCard = ({ run }: RunView, { tell }: Pick<Settings, 'tell'>): boolean =>
  tell.isSuccessShown ||
  run.approval !== undefined ||
  run.requestedBy.door !== 'schedule' ||
  (run.outcome !== null && run.outcome.word !== 'good');

/** Did the run end so recently, or not at all, that a first message about it makes sense? */
export const isFresh = ({ endedAt }: RunRecord, now: Date): boolean =>
  endedAt === null || now.getTime() - Date.parse(endedAt) < FRESH_MS;

/** Tells those who are to be told of an end that is not good, once. */
export const tellOfEnd = async (
  world: Pick<World, 'state' | 'chat' | 'clock'>,
  { run }: RunView,
  { tell }: Pick<Settings, 'tell'>,
): Promise<void> => {
  const { channel } = run.requestedBy;
  if (channel === null || tell.mentions.length === 0) return;
  if (!isAlarming(run) || !isFresh(run, world.clock.now())) return;
  const at = { key: stateKeys.notice(run.id), schema: Notice };
  if ((await readRecord(world.state, at)) !== null) return;
  const once = { key: `${run.id}:end`, since: run.requestedAt };
  const { ts } = await world.chat.post({ ...runNotice(run, tell.mentions), channel, once });
  await update(world.state, at, (current) => (current === null ? { ts } : UNCHANGED));
};

/** Whoever asked in person sees a refusal; by the schedule nobody did. */
const isAlarming = ({ outcome, requestedBy }: RunRecord): boolean =>
  outcome !== null && outcome.word !== 'good' && (outcome.word !== 'refused' || requestedBy.door === 'schedule');
