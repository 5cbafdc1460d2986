/**
 * A stand-in for AWS Step Functions over its JSON protocol, with our own engine behind it. It is no more lenient than the
 * original; what it does not serve (see `serves`) is refused. What state machines call is given by `integrations`.
 */
import { machineClock, type Clock } from './clock.ts';
import { startJsonService } from './json/json-service.ts';
import type { JsonOperation, JsonStandIn } from './json/json-service.ts';
import { shownExecution } from './states/states-history.ts';
import { openMachines, type Integrations } from './states/states-machines.ts';
import { serves } from './states/states-operations.ts';

export { serves };
export type StepFunctionsStandIn = JsonStandIn;

type StepFunctionsOptions = {
  port?: number;
  directory: string;
  clock?: Clock;
  integrations: Integrations;
  /** Gets what EventBridge would put under `detail` when an execution starts or ends. */
  onStatusChange?: (detail: Record<string, unknown>) => void;
};

/** Starts the stand-in on `port` (any free one by default); `directory` keeps its data. */
export const startStepFunctions = async (options: StepFunctionsOptions): Promise<StepFunctionsStandIn> => {
  const { directory, clock = machineClock, integrations } = options;
  const tell = async (machineName: string, name: string): Promise<void> => {
    const machine = machines.find(machineName);
    const description = await machine?.engine.workflows.describe(name);
    if (machine && description) options.onStatusChange?.(await shownExecution(machine, description));
  };
  const onStatusChange = (machine: string, name: string): void => void tell(machine, name);
  const machines = await openMachines({ directory, clock, integrations, onStatusChange });
  const operations = serves.flatMap(({ operation, perform }): [string, JsonOperation][] =>
    perform === undefined
      ? []
      : [[operation, (parameters) => perform({ machines, parameters, clock, onStatusChange })]],
  );
  const running = await startJsonService(
    {
      name: 'states',
      target: 'AWSStepFunctions',
      version: '1.0',
      errors: { internal: 'InternalFailure', throttled: 'ThrottlingException' },
      messageField: 'message',
      operations: new Map(operations),
    },
    options.port ?? 0,
  );
  return {
    ...running,
    close: async () => {
      await running.close();
      await machines.close();
    },
  };
};
