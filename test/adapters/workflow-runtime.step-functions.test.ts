/** Step Functions and SQS as a runtime: the contract of every runtime, over the SDK's clients and the wire. */
import { setTimeout as pause } from 'node:timers/promises';
import { sqsHostTasks } from '../../lib/adapters/host-tasks.sqs.ts';
import { stepFunctionsRuntime } from '../../lib/adapters/workflow-runtime.step-functions.ts';
import { contractDefinitions, echo, workflowRuntimeContract } from '../contracts/workflow-runtime.ts';
import { region, startAws, stateMachines } from './aws-place.ts';

const HOST = 'prod-1';

workflowRuntimeContract('step functions and sqs', async () => {
  const aws = await startAws({ definitions: contractDefinitions, functions: { Echo: echo }, hosts: [HOST] });
  return {
    workflows: stepFunctionsRuntime({ region, stateMachines, workflows: Object.keys(contractDefinitions) }),
    hostTasks: sqsHostTasks({ region, queueUrl: aws.queueUrl }),
    host: HOST,
    queueUrl: aws.queueUrl(HOST),
    pass: async (seconds) => {
      await pause(5);
      await aws.clock.advance(seconds * 1000);
    },
    close: aws.close,
  };
});
