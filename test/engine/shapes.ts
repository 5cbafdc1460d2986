/** Short words for the definitions that the engine's tests run. */

export const HOST = 'host-1';
export const LAMBDA = 'arn:aws:states:::lambda:invoke';
export const PERSON = 'arn:aws:states:::lambda:invoke.waitForTaskToken';
export const SQS = 'arn:aws:states:::sqs:sendMessage.waitForTaskToken';

/** A definition from its states; the first one named is the start. */
export const machine = (states: Record<string, unknown>): Record<string, unknown> => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(states)[0],
  States: states,
});

/** A task that calls `functions.Step` with `payload`. */
export const cloudTask = (payload: unknown, rest: object): object => ({
  Type: 'Task',
  Resource: LAMBDA,
  Arguments: { FunctionName: '${Step}', Payload: payload },
  ...rest,
});

/** A task for the worker on `HOST`. */
export const hostTask = (input: unknown, rest: object): object => ({
  Type: 'Task',
  Resource: SQS,
  Arguments: {
    QueueUrl: HOST,
    MessageBody: {
      token: '{% $states.context.Task.Token %}',
      runId: '{% $states.context.Execution.Name %}',
      state: '{% $states.context.State.Name %}',
      attempt: '{% $states.context.State.RetryCount %}',
      input,
    },
  },
  ...rest,
});
