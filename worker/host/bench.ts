/**
 * The work in hand, by run and state: never the same state of a run twice at a time, never two states of one run.
 *
 * Whoever asks for a state that is worked on joins that work, so a newer attempt adopts the older one's result. A way out
 * first aborts the run's other work; anything else waits for it. Different runs do not know of each other.
 */
import { OctoError } from '../../lib/domain/errors.ts';
import type { TaskResult } from '../../lib/domain/runs/task-record.ts';
import type { Log } from '../../lib/log.ts';
import type { HostTaskBody } from '../../lib/ports/workflow-runtime.ts';
import type { World } from '../../lib/ports/world.ts';
import { performStep } from '../../lib/steps/performing/perform-step.ts';
import type { Step } from '../../lib/steps/step.ts';

export type Bench = {
  /**
   * The result of the work that `body` asks for; `null` when the worker was stopped before there is one.
   * When `gone` fires, this asker waits no longer, and work that nobody waits for is aborted. @throws TaskGone then
   */
  perform(body: HostTaskBody, gone: AbortSignal): Promise<TaskResult | null>;
};

type Work = { runId: string; state: string; askers: number; stop: AbortController; result: Promise<TaskResult | null> };

export type BenchOptions = { loadStep: (name: string) => Promise<Step>; signal: AbortSignal; log: Log };

export const openBench = (world: World, { loadStep, signal, log }: BenchOptions): Bench => {
  const works = new Set<Work>();

  const begin = (body: HostTaskBody, step: Step): Work => {
    const stop = new AbortController();
    const stopping = AbortSignal.any([signal, stop.signal]);
    const result = performStep(world, step, { request: body, signal: stopping, log }).then(
      (output): TaskResult => ({ kind: 'done', output }),
      (thrown: unknown) => failureOf(OctoError.from(thrown), { body, log }),
    );
    const work: Work = { runId: body.runId, state: body.state, askers: 0, stop, result };
    works.add(work);
    work.result = result.finally(() => works.delete(work));
    return work;
  };

  const find = async (body: HostTaskBody, step: Step, gone: AbortSignal): Promise<Work> => {
    for (;;) {
      gone.throwIfAborted();
      const ofRun = [...works].filter(({ runId }) => runId === body.runId);
      const same = ofRun.find(({ state, stop }) => state === body.state && !stop.signal.aborted);
      if (same) return same;
      if (ofRun.length === 0) return begin(body, step);
      if (step.isWayOut)
        for (const { stop } of ofRun) stop.abort(new OctoError('TaskGone', `${body.state} takes over`));
      await Promise.all(ofRun.map(({ result }) => result));
    }
  };

  return {
    perform: async (body, gone) => {
      const step = await loadStep(body.step).catch((thrown: unknown) => OctoError.from(thrown));
      if (step instanceof OctoError) return failureOf(step, { body, log });
      const work = await find(body, step, gone);
      work.askers += 1;
      const leave = (): void => {
        work.askers -= 1;
        if (work.askers === 0) work.stop.abort(gone.reason);
      };
      gone.addEventListener('abort', leave, { once: true });
      const result = await work.result;
      gone.removeEventListener('abort', leave);
      gone.throwIfAborted();
      return result;
    },
  };
};

const failureOf = (error: OctoError, { body, log }: { body: HostTaskBody; log: Log }): TaskResult | null => {
  if (error.code === 'WorkerStopping') return null;
  log.warn('step failed', { run: body.runId, step: body.state, error });
  return { kind: 'failed', error: error.code, cause: JSON.stringify(error.toJSON()) };
};
