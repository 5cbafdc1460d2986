/** Gives an answer to whoever asked, when the door they came through has closed: in the form that waits, in App Home, or in words. */
import { OctoError } from '../lib/domain/errors.ts';
import type { Answers } from '../lib/ports/answers.ts';
import type { Chat, ChatMessage } from '../lib/ports/chat.ts';
import { answerForm, refusedForm } from '../lib/slack/forms/answer-form.ts';
import { formDue } from '../lib/slack/forms/loading-form.ts';
import { errorReply } from '../lib/slack/replies.ts';
import type { SlackRequest } from '../lib/slack/receive.ts';
import type { Answer } from './slack-app.ts';

/** Where the answer belongs; `channel` takes what has no place of its own. */
type Place = { request: SlackRequest; viewId: string | null; channel: string | null };
type Voice = Answers & Pick<Chat, 'postEphemeral'>;

/** What is said instead of an answer. A form keeps what was typed. */
export const refusalOf = (request: SlackRequest, error: OctoError): NonNullable<Answer> =>
  request.kind === 'form' ? { form: refusedForm(request.view, request.values, error) } : errorReply(error);

export const answerLater = async (voice: Voice, place: Place, answer: Answer): Promise<void> => {
  const { request, viewId } = place;
  if (answer === null) return;
  if (request.kind === 'home') {
    if ('blocks' in answer) await voice.publishHome(request.user, answer.blocks);
    return;
  }
  const words = 'form' in answer ? notOpened(answer.form.title.text) : answer;
  const form = 'form' in answer ? answer.form : answerForm(formDue(request) ?? 'octo', answer);
  if (viewId !== null) await voice.fillForm(viewId, form).catch(() => inWords(voice, place, words));
  else if ('form' in answer) await voice.openForm(request.triggerId, form).catch(() => inWords(voice, place, words));
  else await inWords(voice, place, words);
};

const notOpened = (title: string): ChatMessage =>
  errorReply(new OctoError('FormNotOpened', `the form "${title}" did not open`));

const inWords = async (voice: Voice, { request, channel }: Place, words: ChatMessage): Promise<void> => {
  if (request.channel !== null && request.responseUrl !== null) await voice.respond(request.responseUrl, words);
  else if (channel !== null) await voice.postEphemeral({ ...words, channel, user: request.user });
};
