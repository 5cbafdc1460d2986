/**
 * The Bolt app behind every Slack door: acknowledges at once, hands the request over, and gives the answer to whoever
 * asked. What a request means is decided by `handOver`; signatures are checked by the receiver.
 * @see https://docs.slack.dev/tools/bolt-js
 */
import { App, type Logger, LogLevel, type Receiver, type RespondFn } from '@slack/bolt';
import { OctoError } from '../lib/domain/errors.ts';
import type { Secret } from '../lib/domain/secrets/secret.ts';
import type { ChatForm, ChatMessage } from '../lib/ports/chat.ts';
import { receive, type SlackRequest } from '../lib/slack/receive.ts';
import { errorReply } from '../lib/slack/replies.ts';

/** A message for the eyes of whoever asked, a form to open, or nothing to say. */
export type Answer = ChatMessage | { form: ChatForm } | null;
export type HandOver = (request: SlackRequest) => Promise<Answer>;

/** One line of the door's log. Never holds what people wrote, nor tokens. */
export type DoorLog = (entry: { level: 'warn' | 'error'; message: string; code?: string }) => void;

export type SlackAppOptions = {
  receiver: Receiver;
  botToken: Secret;
  /** Ends in `/api/`; absent it is Slack's. */
  apiUrl?: string;
  command?: string;
  /** The one workspace, and the channels in which commands and buttons work; the first takes answers to forms. */
  allow: { team: string; channels: readonly string[] };
  handOver: HandOver;
  log: DoorLog;
};

type Client = App['client'];
type Reply = (answer: Answer) => Promise<void>;
/** Says something to the person who asked, and to nobody else. */
type Say = (message: ChatMessage) => Promise<unknown>;

/** The app, ready for its receiver to start. Asks nothing of Slack until the first request. */
export const slackApp = (options: SlackAppOptions): App => {
  const app = new App({
    receiver: options.receiver,
    authorize: () => Promise.resolve({ botToken: options.botToken.reveal() }),
    convoStore: false,
    ignoreSelf: false,
    logger: loggerOf(options.log),
    logLevel: LogLevel.WARN,
    clientOptions: {
      ...(options.apiUrl !== undefined && { slackApiUrl: options.apiUrl }),
      rejectRateLimitedCalls: true,
      retryConfig: { retries: 0 },
    },
  });
  const isReplay = replayGuard();

  const sayInChannel =
    (client: Client, user: string): Say =>
    async (message) => {
      await client.chat.postEphemeral({ ...message, channel: options.allow.channels[0] ?? '', user });
    };

  const serve = async (body: unknown, reply: Reply): Promise<void> => {
    const request = receive(body);
    if (request === null || refusedQuietly(request, options, isReplay)) return;
    await reply(await answerTo(request, options));
  };

  app.command(options.command ?? '/octo', async ({ ack, body, client, respond }) => {
    await ack();
    await serve(body, (answer) =>
      answerPerson(answer, { client, say: sayThrough(respond), triggerId: body.trigger_id }),
    );
  });
  app.action(/.*/, async ({ ack, body, client, respond }) => {
    await ack();
    const triggerId = 'trigger_id' in body ? body.trigger_id : '';
    // A button of App Home has no channel to respond to.
    const isInChannel = 'response_url' in body && body.response_url !== undefined;
    const say = isInChannel ? sayThrough(respond) : sayInChannel(client, body.user.id);
    await serve(body, (answer) => answerPerson(answer, { client, say, triggerId }));
  });
  app.view(/.*/, async ({ ack, body, client }) => {
    await ack();
    await serve(body, async (answer) => {
      if (answer !== null && 'text' in answer) await sayInChannel(client, body.user.id)(answer);
    });
  });
  app.event('app_home_opened', async ({ body, client, event }) => {
    await serve(body, async (answer) => {
      if (answer === null || !('blocks' in answer)) return;
      await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: answer.blocks } });
    });
  });
  app.error((error) => {
    options.log({ level: 'error', message: `an answer did not reach Slack: ${error.name}`, code: error.code });
    return Promise.resolve();
  });
  return app;
};

/** What goes wrong while answering is itself the answer. */
const answerTo = async (request: SlackRequest, options: SlackAppOptions): Promise<Answer> => {
  try {
    if (request.channel !== null && !options.allow.channels.includes(request.channel)) {
      throw new OctoError('ChannelNotAllowed', 'the bot does not answer in this channel');
    }
    return await options.handOver(request);
  } catch (thrown) {
    const error = OctoError.from(thrown);
    if (error.code === 'Bug')
      options.log({ level: 'error', message: `handing over a ${request.kind} failed`, code: 'Bug' });
    return errorReply(error);
  }
};

const answerPerson = async (
  answer: Answer,
  { client, say, triggerId }: { client: Client; say: Say; triggerId: string },
): Promise<void> => {
  if (answer === null) return;
  const message = 'form' in answer ? await openForm(client, triggerId, answer.form) : answer;
  if (message !== null) await say(message);
};

const sayThrough =
  (respond: RespondFn): Say =>
  (message) =>
    respond({ ...message, response_type: 'ephemeral', replace_original: false });

/** Opens the form, or says why it did not. */
const openForm = async (client: Client, triggerId: string, view: ChatForm): Promise<ChatMessage | null> => {
  try {
    await client.views.open({ trigger_id: triggerId, view });
    return null;
  } catch (cause) {
    return errorReply(new OctoError('FormNotOpened', `the form "${view.title.text}" did not open`, { cause }));
  }
};

/** Strangers and repetitions get no answer: it would tell them that somebody listens. */
const refusedQuietly = (
  request: SlackRequest,
  { allow, log }: SlackAppOptions,
  isReplay: (triggerId: string) => boolean,
): boolean => {
  if (request.team !== allow.team) {
    log({ level: 'warn', message: `a ${request.kind} from another workspace was dropped` });
    return true;
  }
  if (isReplay(request.triggerId)) {
    log({ level: 'warn', message: `a repeated ${request.kind} was dropped` });
    return true;
  }
  return false;
};

/** Far more than come within the five minutes that a signature lasts. A restart forgets: run ids catch the rest. */
const REMEMBERED_TRIGGERS = 10_000;

const replayGuard = (): ((triggerId: string) => boolean) => {
  const seen = new Set<string>();
  return (triggerId) => {
    if (seen.has(triggerId)) return true;
    seen.add(triggerId);
    const [oldest] = seen;
    if (seen.size > REMEMBERED_TRIGGERS && oldest !== undefined) seen.delete(oldest);
    return false;
  };
};

/** Bolt's own words, without its debug output: that would print whole requests. */
export const loggerOf = (log: DoorLog): Logger => ({
  debug: () => undefined,
  info: () => undefined,
  warn: (...words: unknown[]) => log({ level: 'warn', message: words.map(String).join(' ') }),
  error: (...words: unknown[]) => log({ level: 'error', message: words.map(String).join(' ') }),
  setLevel: () => undefined,
  getLevel: () => LogLevel.WARN,
  setName: () => undefined,
});
