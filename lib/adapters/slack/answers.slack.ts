/** Answers to one person over Slack's Web API, and over the address that Slack gives along with a request. */
import type { Secret } from '../../domain/secrets/secret.ts';
import { OctoError } from '../../domain/errors.ts';
import type { Answers } from '../../ports/answers.ts';
import { CALL_MILLISECONDS, slackClient, translated } from '../chat.slack.ts';

/** Answers with `token`'s rights. `apiUrl` ends in `/api/`; absent it is Slack's. */
export const slackAnswers = (options: { token: Secret; apiUrl?: string }): Answers => {
  const client = slackClient(options);
  return {
    respond: async (url, message) => {
      const body = JSON.stringify({ ...message, response_type: 'ephemeral', replace_original: false });
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      const signal = AbortSignal.timeout(CALL_MILLISECONDS);
      const sent = await fetch(url, { method: 'POST', headers, body, signal }).catch((cause: unknown) => {
        throw new OctoError('ChatUnavailable', 'slack did not take the answer', { cause });
      });
      if (!sent.ok) throw new OctoError('ChatRefused', `slack answered the answer with status ${sent.status}`);
    },
    openForm: async (triggerId, view) => {
      await translated('form', client.views.open({ trigger_id: triggerId, view }));
    },
    fillForm: async (viewId, view) => {
      await translated('form', client.views.update({ view_id: viewId, view }));
    },
    publishHome: async (user, blocks) => {
      await translated('home tab', client.views.publish({ user_id: user, view: { type: 'home', blocks } }));
    },
  };
};
