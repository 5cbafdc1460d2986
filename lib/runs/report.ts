/**
 * A changed run book becomes an edited card: one message per run, claimed once, edited in place.
 *
 * The card is a view: it is rendered from the run book alone and nothing is ever read back from it. The claim under
 * `cards/` holds the message's place, the revision shown last and when it was edited; equal renderings are skipped, and while work goes
 * on a card is edited at most every ten seconds. A chat that cannot be reached changes nothing about the run; the next
 * change, or the next tick, shows everything that was missed.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { RestoreTime } from '../domain/drills/restore-time.ts';
import { stateKeys } from '../domain/names.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import { nextSlot } from '../domain/settings/schedule.ts';
import type { ChatMessage } from '../ports/chat.ts';
import type { World } from '../ports/world.ts';
import { readRunView } from '../repository/run-book.ts';
import { readRestoreTime } from '../repository/outcomes/drill-records.ts';
import { readSettings } from '../repository/settings.ts';
import { UNCHANGED, update } from '../repository/update.ts';
import { runCard } from '../slack/run/run-card.ts';
import { plannedStates } from '../workflows/index.ts';
import { keepPace, readPace } from './card/pace.ts';
import { tellOfBreakGlass } from './card/tell-break-glass.ts';
import { tellOfDrill } from './drills/tell-drill.ts';
import { hasCard, isFresh, tellOfEnd } from './notice.ts';
import { remindOfApproval, tellOfQuestion } from './remind.ts';
import { unreadable } from './unreadable.ts';

const EDIT_SECONDS = 10;

const CardClaim = z.strictObject({
  channel: z.string(),
  /** Null while the first message is being posted. */
  ts: z.string().nullable(),
  revision: z.string(),
  editedAt: z.string(),
});
type CardClaim = z.infer<typeof CardClaim>;

type ReportWorld = Pick<World, 'state' | 'clock' | 'chat'>;

/** Shows the run as it stands. Answers the milliseconds to wait before asking again, or null when the card is current. */
export const refreshCard = async (world: ReportWorld, runId: string): Promise<number | null> => {
  const known = await readView(world, runId);
  const channel = known?.run.requestedBy.channel ?? null;
  if (known === null || channel === null) return null;
  const settings = await readSettings(world, known.run.instance);
  if (!hasCard(known, settings)) return null;
  const view = known.run.status === 'running' ? { ...known, pace: await keepPace(world, known.run) } : known;
  const message = runCard(view, world.clock.now());
  const revision = revisionOf(message);
  const claim = await claimEdit(world, { view, channel, revision });
  if (claim.kind === 'wait') return claim.ms;
  if (claim.kind === 'edit') {
    claim.ts = await show(world, message, { channel, ts: claim.ts, run: view.run });
    await keepShown(world, runId, { ts: claim.ts, revision });
  }
  await tellOfDrill(world, view, claim.ts);
  await remindOfApproval(world, view);
  await tellOfBreakGlass(world, view);
  await tellOfQuestion(world, view, settings);
  await tellOfEnd(world, view, settings);
  return null;
};

/** Posts the card, or edits it where it is. */
const show = async (
  world: ReportWorld,
  message: ChatMessage,
  { channel, ts, run }: { channel: string; ts: string | null; run: RunRecord },
): Promise<string> => {
  if (ts === null) {
    const once = { key: run.id, since: run.requestedAt };
    return (await world.chat.post({ ...message, channel, once })).ts;
  }
  await world.chat.update({ ...message, channel, ts });
  return ts;
};

/** The run as every view sees it; null when there is no such run. */
export const readView = async (world: Pick<World, 'state'>, runId: string): Promise<RunView | null> => {
  const view = await readRunView(world, runId, plannedStates);
  if (view === null) return null;
  if (view.run.endedAt === null)
    return { ...view, pace: await readPace(world, runId), restoreTime: await restoreTimeFor(world, view) };
  const next = nextSlot(await readSettings(world, view.run.instance), new Date(view.run.endedAt));
  return { ...view, nextRunAt: next?.at ?? null };
};

/** For whoever has to decide; of an archive of another instance it is that one's drills that tell. */
const restoreTimeFor = async (world: Pick<World, 'state'>, { run, approval }: RunView): Promise<RestoreTime | null> =>
  run.workflow === 'restore' && approval?.opening != null && approval.decision === null
    ? unreadable().orNull(readRestoreTime(world, String(run.options['from'] ?? run.instance)))
    : null;

type Claim =
  { kind: 'current'; ts: string | null } | { kind: 'wait'; ms: number } | { kind: 'edit'; ts: string | null };

/** Takes the right to edit for the next ten seconds; the last state of a run does not wait. */
const claimEdit = async (
  world: ReportWorld,
  { view, channel, revision }: { view: RunView; channel: string; revision: string },
): Promise<Claim> => {
  let claim: Claim = { kind: 'current', ts: null };
  await update(world.state, { key: stateKeys.card(view.run.id), schema: CardClaim }, (current) => {
    const now = world.clock.now();
    claim = judge(current, { revision, now, isRunning: view.run.status === 'running' });
    if (current === null && !isFresh(view.run, now)) claim = { kind: 'current', ts: null };
    if (claim.kind !== 'edit') return UNCHANGED;
    return { channel, ts: claim.ts, revision: current?.revision ?? '', editedAt: now.toISOString() };
  });
  return claim;
};

const judge = (
  current: CardClaim | null,
  { revision, now, isRunning }: { revision: string; now: Date; isRunning: boolean },
): Claim => {
  if (current === null) return { kind: 'edit', ts: null };
  if (current.revision === revision) return { kind: 'current', ts: current.ts };
  const ms = Date.parse(current.editedAt) + EDIT_SECONDS * 1000 - now.getTime();
  return ms > 0 && (isRunning || current.ts === null) ? { kind: 'wait', ms } : { kind: 'edit', ts: current.ts };
};

/** Noted only after the chat took it: a card that was not shown is not current, and is tried again. */
const keepShown = (world: ReportWorld, runId: string, shown: { ts: string; revision: string }) =>
  update(world.state, { key: stateKeys.card(runId), schema: CardClaim }, (current) =>
    current === null ? UNCHANGED : { ...current, ...shown },
  );

const revisionOf = (message: ChatMessage): string =>
  createHash('sha256').update(JSON.stringify(message)).digest('hex').slice(0, 16);
