/**
 * Carries out what the Slack door handed over, and answers whoever asked. Lambda delivers at least once and tries again on its
 * own: a call's repetitions go on with the same request, a second delivery of it is dropped.
 */
import type { Context } from 'aws-lambda';
import { cloud } from '../lib/compose/cloud.ts';
import { OctoError } from '../lib/domain/errors.ts';
import { claimRequest } from '../lib/repository/request-claims.ts';
import type { SlackRequest } from '../lib/slack/receive.ts';
import { slackAnswers } from './answers.ts';
import { answerLater, refusalOf } from './answer-later.ts';
import { door } from './door.ts';

/** What a person did, and the form that waits for the answer. */
export type HandedOver = { request: SlackRequest; viewId: string | null };

const carryOut = async ({ request, viewId }: HandedOver, { awsRequestId: call }: Context): Promise<void> => {
  const { world, config, answers, channel, log } = await cloud();
  // A form and the App Home that is drawn anew after it come with one trigger.
  const requestKey = `${request.kind}:${request.team}:${request.triggerId}`;
  if (!(await claimRequest(world, { requestKey, call })))
    return log.warn(`a repeated ${request.kind} was dropped`, { requestKey });
  const answer = await slackAnswers(world, config)(request, Promise.resolve(viewId)).catch((thrown: unknown) => {
    const error = OctoError.from(thrown);
    log[error.code === 'Bug' ? 'error' : 'info'](`a ${request.kind} was refused`, { error });
    return refusalOf(request, error);
  });
  // Not to be heard is no reason to do it again.
  await answerLater({ ...world.chat, ...answers() }, { request, viewId, channel }, answer).catch((error: unknown) =>
    log.error('an answer did not reach Slack', { error }),
  );
};

export const handler = door('commands', carryOut);
