/**
 * Hands a request over to a Lambda function and does not wait for it. What Lambda has accepted it delivers at least once.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
import { OctoError } from '../../domain/errors.ts';
import { sendSigned } from './signed-request.ts';

/** Slack waits three seconds in all, and then tells the person that the bot does not answer. */
const SILENCE_MS = 1_200;
const ATTEMPTS = 2;
const ACCEPTED = 202;

/** Takes whatever is JSON, up to the size of an asynchronous call. @throws HandOverFailed */
export const lambdaHandOver =
  (functionName: string, environment: NodeJS.ProcessEnv): ((payload: unknown) => Promise<void>) =>
  async (payload) => {
    const region = environment['AWS_REGION'] ?? '';
    const asked = {
      service: 'lambda',
      endpoint: environment['AWS_ENDPOINT_URL_LAMBDA'] ?? `https://lambda.${region}.amazonaws.com`,
      path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
      body: JSON.stringify(payload),
      silenceMs: SILENCE_MS,
    };
    let answer: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      answer = await sendSigned(asked, environment).catch((thrown: unknown) => thrown);
      if (answer === ACCEPTED) return;
    }
    const detail = typeof answer === 'number' ? { facts: { status: answer } } : { cause: answer };
    throw new OctoError('HandOverFailed', `${functionName} did not take the request`, detail);
  };
