/**
 * Performs one step for a workflow, on the host or in the cloud: reads the run, keeps the state's note, and lets the step
 * go on only as long as its run may.
 *
 * The task token is left to the worker: it beats, and aborts `signal` when the workflow no longer waits. A step that may
 * not go on is aborted too, and fails with the reason, not with whatever the abort made it throw.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../../domain/errors.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { Log } from '../../log.ts';
import type { World } from '../../ports/world.ts';
import { readRun } from '../../repository/run-book.ts';
import { isFinal, RENEW_SECONDS, rightToAct, type RightToAct } from './right-to-act.ts';
import { keepNote, type NoteKeeper } from './step-note.ts';
import type { Step, StepContext } from '../step.ts';

const OUTPUT_BYTES = 8192;

/** What the workflow asks for: the body of a host task, or the payload of a cloud step. */
const StepRequest = z.object({
  runId: z.string(),
  step: z.string(),
  state: z.string(),
  attempt: z.number().int(),
  input: z.unknown(),
});
export type StepRequest = z.infer<typeof StepRequest>;

type Performance = { request: StepRequest; signal: AbortSignal; log?: Log };

/** The step's output. Whatever goes wrong comes out as an OctoError, written into the state's note. @throws OctoError */
export const performStep = async (world: World, step: Step, performance: Performance): Promise<unknown> => {
  const { request, signal, log } = performance;
  const run = await requireRun(world, request.runId);
  const right = rightToAct(world, { run, step });
  const trouble = (message: string) => (error: unknown) =>
    log?.warn(message, { run: run.id, step: request.state, error });
  const note = await keepNote(world, { ...request, run }, trouble('step note not written'));
  const own = new AbortController();
  const watch = watchRight(world, { right, own, onTrouble: trouble('lock and lease not renewed') });
  const working = AbortSignal.any([signal, own.signal]);
  try {
    working.throwIfAborted();
    await right.renew();
    const output = await step.perform(world, request.input, contextOf({ run, request, right, note, working }));
    await watch.stop();
    await right.confirm();
    const checked = checkOutput(step, output);
    await note.end({ status: step.leavesWaiting?.(checked) === true ? 'running' : 'done' });
    return checked;
  } catch (thrown) {
    await watch.stop();
    const error = OctoError.from(working.aborted ? working.reason : thrown);
    await note.end(endingOf(error));
    throw error;
  }
};

/**
 * Performs the cloud step that `payload` asks for. It has no signal from outside: cloud steps are short, and one that a
 * stopping process aborted would count as failed.
 * @throws OctoError
 */
export const performCloudStep = async (
  world: World,
  { payload, loadStep, log }: { payload: unknown; loadStep: (name: string) => Promise<Step>; log?: Log },
): Promise<unknown> => {
  const request = StepRequest.parse(payload);
  const step = await loadStep(request.step);
  if (step.runsOn !== 'cloud') throw new OctoError('Bug', `${step.name} runs on the host, not in the cloud`);
  return performStep(world, step, { request, signal: new AbortController().signal, ...(log && { log }) });
};

type Work = { run: RunRecord; request: StepRequest; right: RightToAct; note: NoteKeeper; working: AbortSignal };

const contextOf = ({ run, request, right, note, working }: Work): StepContext => ({
  run,
  state: request.state,
  attempt: request.attempt,
  signal: working,
  beat: async (progress = {}) => {
    note.progress(progress);
    working.throwIfAborted();
    await right.insist();
    working.throwIfAborted();
  },
});

type Watch = { right: RightToAct; own: AbortController; onTrouble: (thrown: unknown) => void };

/** Renews while the step works, whether it beats or not; a final no aborts it. */
const watchRight = (world: Pick<World, 'clock'>, { right, own, onTrouble }: Watch) => {
  const ended = new AbortController();
  const renewing = async (): Promise<void> => {
    while (!own.signal.aborted) {
      await world.clock.sleep(RENEW_SECONDS * 1000, ended.signal);
      await right.renew().catch((thrown: unknown) => (isFinal(thrown) ? own.abort(thrown) : onTrouble(thrown)));
    }
  };
  const done = renewing().catch((thrown: unknown) => {
    if (!ended.signal.aborted) throw thrown;
  });
  return {
    stop: (): Promise<void> => {
      ended.abort();
      return done;
    },
  };
};

const endingOf = (error: OctoError): Parameters<NoteKeeper['end']>[0] =>
  isOctoError(error, 'WorkerStopping')
    ? { status: 'running', text: 'the worker was stopped; it goes on when it is started again' }
    : { status: 'failed', error };

const checkOutput = (step: Step, output: unknown): unknown => {
  const sizeBytes = Buffer.byteLength(JSON.stringify(output ?? null));
  if (sizeBytes <= OUTPUT_BYTES) return output;
  throw new OctoError('Bug', `the output of ${step.name} has ${sizeBytes} bytes`, { facts: { sizeBytes } });
};

const requireRun = async (world: Pick<World, 'state'>, runId: string): Promise<RunRecord> => {
  const run = await readRun(world, runId);
  if (run === null) throw new OctoError('RunUnknown', `there is no run ${runId}`);
  return run;
};
