/**
 * Which workflow runtime stands behind the ports: Step Functions with a queue per host where the configuration names them,
 * else our own engine in this process.
 */
import { resolveSecret, type AwsConfig } from '../config.ts';
import type { Instance } from '../domain/instance.ts';
import type { CloudFunction, EngineOptions } from '../engine/runtime.ts';
import type { World } from '../ports/world.ts';
import { definitions } from '../workflows/index.ts';

export type Runtime = Pick<World, 'workflows' | 'hostTasks'> & {
  /** Where a host's tasks are left. */
  queueUrl: (host: string) => string;
  resume(): Promise<void>;
  close(): Promise<void>;
};

type RuntimeOptions = {
  aws: AwsConfig | undefined;
  environment: NodeJS.ProcessEnv;
  /** Both are needed by our own engine only. */
  embedded: Pick<EngineOptions, 'directory' | 'clock' | 'onTrouble'>;
  cloudStep: CloudFunction;
};

export const openRuntime = async ({ aws, environment, embedded, cloudStep }: RuntimeOptions): Promise<Runtime> => {
  if (aws !== undefined) return runtimeOnAws(aws, environment);
  const { createEngine } = await import('../engine/runtime.ts');
  const functions = { CloudStep: cloudStep, PeopleStep: cloudStep, RemoveStep: cloudStep };
  return { ...createEngine({ ...embedded, definitions, functions }), queueUrl: (host) => host };
};

/** Nothing to go on with after a start: AWS did not stop. */
const runtimeOnAws = async (aws: AwsConfig, environment: NodeJS.ProcessEnv): Promise<Runtime> => {
  const { stepFunctionsRuntime } = await import('../adapters/workflow-runtime.step-functions.ts');
  const { sqsHostTasks } = await import('../adapters/host-tasks.sqs.ts');
  const place = aws.region === undefined ? {} : { region: aws.region };
  const queueUrl = (host: string): string => named(aws.queues, environment) + host;
  const stateMachines = named(aws.stateMachines, environment);
  return {
    workflows: stepFunctionsRuntime({ ...place, stateMachines, workflows: Object.keys(definitions) }),
    hostTasks: sqsHostTasks({ ...place, queueUrl }),
    queueUrl,
    resume: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
};

/** What is only known once it is deployed comes from the environment. */
const named = (text: string, environment: NodeJS.ProcessEnv): string =>
  text.startsWith('env:') ? resolveSecret(text, environment).reveal() : text;

/** The instance with the address of each host's queue. */
export const atQueues = (instance: Instance, queueUrl: Runtime['queueUrl']): Instance => ({
  ...instance,
  hosts: instance.hosts.map((host) => ({ ...host, queueUrl: queueUrl(host.name) })),
});
