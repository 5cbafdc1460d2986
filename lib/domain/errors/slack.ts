/** Error codes of Slack, both ways: what the chat refuses, and what the door refuses. See `entry.ts`. */
import { errorGroup } from './entry.ts';

export const slackErrors = errorGroup({
  ChatLimited: {
    retry: true,
    advice: 'Slack asks to be called less often. The message follows by itself when Slack takes it again.',
  },
  ChatUnavailable: {
    retry: true,
    advice: 'Slack does not answer. The run goes on without it; `octo status` in a terminal shows the same.',
  },
  ChatRefused: {
    retry: false,
    advice:
      'Slack refused the message for the reason named. Check that the app is installed, is a member of the channel and has the scopes of the manifest.',
  },
  ChatScopeMissing: {
    retry: false,
    advice:
      'Add the scope that the message names to the Slack app, as infra/slack-manifest.yml has it, and install the app anew.',
  },
  ChatMessageGone: {
    retry: false,
    advice: 'Somebody deleted the message of this run in Slack. `/octo run` with the run id shows the run.',
  },
  FormNotOpened: {
    retry: false,
    advice: 'Slack gives a form three seconds to open. Ask for it again.',
  },
  SlackDoorNotOpened: {
    retry: false,
    advice: 'octo was not started. Check slack.port, or slack.appToken and the way to Slack, then start octo again.',
  },
  ChannelNotAllowed: {
    retry: false,
    advice:
      'Use the command in the channel that the bot reports to, or add this channel to slack.channels in octo.yml.',
  },
});
