/**
 * The run book: what was asked, what each state does, how it ended. Every view of a run is computed from here.
 *
 * A run is listed by two empty entries under `timeline/`, whose keys sort newest first; they are written before the run
 * itself, so a run that exists is always listed, and an entry without its run is passed over.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { Lease } from '../domain/runs/lease.ts';
import { parseTimelineEntry, stateKeys } from '../domain/names.ts';
import { RunRecord, StepNote, type Outcome, type RunView } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { readApproval } from './approvals.ts';
import { Acceptance } from './people/acceptances.ts';
import { readAsked } from './people/questions.ts';
import { encodeRecord, readRecord, UNCHANGED, update } from './update.ts';

type State = Pick<World, 'state'>;

/** Enters the run; when it is there already, what stands there is the run. */
export const createRun = async (world: State, run: RunRecord): Promise<RunRecord> => {
  const standing = await readRun(world, run.id);
  if (standing !== null) return standing;
  for (const instance of [run.instance, null]) {
    await createOnce(world, stateKeys.timelineEntry(instance, run), {});
  }
  return (await update(world.state, runAt(run.id), (current) => (current ? UNCHANGED : run))) ?? run;
};

/** The run, or `null` when there is none of that id. */
export const readRun = (world: State, runId: string): Promise<RunRecord | null> =>
  readRecord(world.state, runAt(runId));

type Listed = {
  instance?: string | null;
  limit: number;
  /** Told of a run that cannot be read, which is passed over; without it the list ends there. */
  onUnreadable?: (thrown: unknown) => void;
};

/** The last runs, newest first: of one instance or of all. */
export const listRuns = async (
  world: State,
  { instance = null, limit, onUnreadable }: Listed,
): Promise<RunRecord[]> => {
  const runs: RunRecord[] = [];
  for await (const { key } of world.state.list(stateKeys.timeline(instance))) {
    if (runs.length >= limit) break;
    const entry = parseTimelineEntry(key);
    const run = entry && (await readRun(world, entry.runId).catch(orTell(onUnreadable)));
    // An entry of another time is what a killed first try of the same request left behind.
    if (run && run.requestedAt === entry.requestedAt) runs.push(run);
  }
  return runs;
};

const orTell =
  (tell: Listed['onUnreadable']) =>
  (thrown: unknown): null => {
    if (tell === undefined) throw thrown;
    tell(thrown);
    return null;
  };

/** Writes down the number under which the run holds its instance. */
export const recordFence = async (world: State, runId: string, fence: number): Promise<void> => {
  await changeRun(world, runId, (run) => (run.fence === fence ? UNCHANGED : { ...run, fence }));
};

/** Writes down which entry of the audit holds the run's outcome. */
export const recordAuditHead = async (world: State, runId: string, auditHead: string): Promise<void> => {
  await changeRun(world, runId, (run) => (run.auditHead === auditHead ? UNCHANGED : { ...run, auditHead }));
};

/** Closes the run; an outcome that stands already stays. */
export const endRun = (world: Pick<World, 'state' | 'clock'>, runId: string, outcome: Outcome): Promise<RunRecord> =>
  changeRun(world, runId, (run) =>
    run.status === 'ended' ? UNCHANGED : { ...run, status: 'ended', endedAt: world.clock.now().toISOString(), outcome },
  );

/** Writes what a state does now. A later attempt's note stays, and so does the end of this attempt. */
export const writeStepNote = async (world: State, runId: string, note: StepNote): Promise<StepNote> => {
  const at = { key: stateKeys.stepNote(runId, note.state), schema: StepNote };
  const written = await update(world.state, at, (current) => {
    if (current === null) return note;
    if (current.attempt > note.attempt) return UNCHANGED;
    const isEnded = current.attempt === note.attempt && current.status !== 'running';
    if (isEnded && note.status === 'running') return UNCHANGED;
    // A state began when its first attempt did: people count from there.
    return { ...note, startedAt: current.startedAt };
  });
  return written ?? note;
};

/** Ends the note of a state that waited for people, whose step ended long before; an end that stands already stays. */
export const endWait = async (
  world: Pick<World, 'state' | 'clock'>,
  runId: string,
  { state, text }: { state: string; text: string },
): Promise<void> => {
  const now = world.clock.now().toISOString();
  await update(
    world.state,
    { key: stateKeys.stepNote(runId, state), schema: StepNote },
    (current): StepNote | typeof UNCHANGED =>
      current?.status === 'running' ? { ...current, status: 'done', text, updatedAt: now, endedAt: now } : UNCHANGED,
  );
};

/** Everything a view needs, or `null` when there is no such run. Notes are in the order in which their states began. */
export const readRunView = async (
  world: State,
  runId: string,
  plannedStates: (workflow: string, options: RunRecord['options']) => string[],
): Promise<RunView | null> => {
  const run = await readRun(world, runId);
  if (run === null) return null;
  const steps = await readSteps(world, runId);
  const lease = await readRecord(world.state, { key: stateKeys.lease(runId), schema: Lease });
  return {
    run,
    steps,
    plannedStates: plannedStates(run.workflow, { ...run.options, approval: run.approval !== undefined }),
    maintenanceUntil: lease?.status === 'open' ? lease.latestEndsAt : null,
    approval: await readApproval(world, run),
    asked: await readAsked(world, runId),
    accepted: await readRecord(world.state, acceptedAt(runId)),
  };
};

/** What the states of the run did, in the order in which they began. */
export const readSteps = async (world: State, runId: string): Promise<StepNote[]> => {
  const steps: StepNote[] = [];
  for await (const { key } of world.state.list(stateKeys.steps(runId))) {
    const note = await readRecord(world.state, { key, schema: StepNote });
    if (note !== null) steps.push(note);
  }
  return steps.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
};

/** Notes for the views of the run that its archive was accepted; the first note stays. */
export const noteAcceptance = async (world: State, runId: string, acceptance: Acceptance): Promise<void> => {
  await update(world.state, acceptedAt(runId), (current) => (current === null ? acceptance : UNCHANGED));
};

const acceptedAt = (runId: string) => ({ key: stateKeys.accepted(runId), schema: Acceptance });

const CancelRequest = z.strictObject({ by: z.string(), requestedAt: z.string() });
type CancelRequest = z.infer<typeof CancelRequest>;

/** Asks the run to stop at its next safe point; the first request stands. */
export const requestCancel = async (
  world: Pick<World, 'state' | 'clock'>,
  runId: string,
  { by }: { by: string },
): Promise<void> => {
  const request: CancelRequest = { by, requestedAt: world.clock.now().toISOString() };
  await createOnce(world, stateKeys.cancel(runId), request);
};

/** Who asked to stop the run, and when; `null` when nobody did. */
export const readCancel = (world: State, runId: string): Promise<CancelRequest | null> =>
  readRecord(world.state, { key: stateKeys.cancel(runId), schema: CancelRequest });

/** Was the run asked to stop? */
export const isCancelRequested = async (world: State, runId: string): Promise<boolean> =>
  (await world.state.head(stateKeys.cancel(runId))) !== null;

const runAt = (runId: string) => ({ key: stateKeys.run(runId), schema: RunRecord });

const changeRun = async (
  world: State,
  runId: string,
  change: (run: RunRecord) => RunRecord | typeof UNCHANGED,
): Promise<RunRecord> => {
  const changed = await update(world.state, runAt(runId), (current) => (current ? change(current) : UNCHANGED));
  if (changed === null) throw new OctoError('RunUnknown', `there is no run ${runId}`);
  return changed;
};

const createOnce = async (world: State, key: string, record: unknown): Promise<void> => {
  try {
    await world.state.create(key, encodeRecord(record));
  } catch (error) {
    if (!isOctoError(error, 'StoreKeyExists')) throw error;
  }
};
