/**
 * What a step is: a named piece of work with checked input and output, that runs on the host or in the cloud.
 *
 * Any step may run twice, and may be killed at any line: what it writes is named from the run id, and finding its own
 * finished work is success. Input and output travel through workflow state: names and numbers, at most 8 KB, no secrets.
 */
import type * as z from 'zod';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';

export type StepContext = {
  run: RunRecord;
  /** The name of the state that is served: differs from the step's own where a definition uses the step twice. */
  state: string;
  /** 0 at the first try. */
  attempt: number;
  /** Fires when the run is cancelled, the task is gone or the worker stops: leave at the next safe point. */
  signal: AbortSignal;
  /**
   * Reports progress and asks whether to go on; rate-limited inside, so call it as often as convenient.
   * Call it before every irreversible act with nothing to report. @throws Cancelled, TaskGone, FenceLost
   */
  beat: (progress?: { percent?: number; text?: string }) => Promise<void>;
};

export type Step = {
  name: string;
  runsOn: 'host' | 'cloud';
  /** Puts the server back, or reports: goes on when the run was cancelled or has lost its lock. */
  isWayOut?: boolean;
  /** With this output its state goes on waiting for people after it has returned: its note stays open until a later step ends it. */
  leavesWaiting?: (output: unknown) => boolean;
  input: z.ZodType;
  output: z.ZodType;
  perform(world: World, input: unknown, context: StepContext): Promise<unknown>;
};

/** Declares a step; input is parsed before it runs and output after. @throws Bug when either does not fit */
export const defineStep = <I extends z.ZodType, O extends z.ZodType>(
  declaration: Pick<Step, 'name' | 'runsOn' | 'isWayOut' | 'leavesWaiting'> & { input: I; output: O },
  perform: (world: World, input: z.output<I>, context: StepContext) => Promise<z.input<O>>,
): Step => ({
  ...declaration,
  perform: async (world, input, context) =>
    declaration.output.parse(await perform(world, declaration.input.parse(input), context)),
});
