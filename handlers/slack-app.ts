/**
 * The Bolt app behind every Slack door: acknowledges at once, hands the request over, and gives the answer to whoever
 * asked. What a request means is decided by `handOver`; signatures are checked by the receiver.
 * @see https://docs.slack.dev/tools/bolt-js
 */
import { App, type Logger, LogLevel, type Receiver, type RespondFn } from '@slack/bolt';
import { OctoError } from '../lib/domain/errors.ts';
import type { Secret } from '../lib/domain/secrets/secret.ts';
import type { ChatForm, ChatMessage } from '../lib/ports/chat.ts';
import { answerForm, refusedForm } from '../lib/slack/forms/answer-form.ts';
import { formDue, loadingForm } from '../lib/slack/forms/loading-form.ts';
import { receive, type SlackRequest } from '../lib/slack/receive.ts';
import { errorReply } from '../lib/slack/replies.ts';

/** A message for the eyes of whoever asked, a form to open or its next page, or nothing to say. */
export type Answer = ChatMessage | { form: ChatForm } | null;
/** `opened` is the form that was opened meanwhile, for whoever answers in it later by himself. */
export type HandOver = (request: SlackRequest, opened: Promise<string | null>) => Promise<Answer>;

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
  /** Told of what was not let in. */
  onRefused?: (refusal: DoorRefusal) => void;
};

/**
 * A request that was not let in: not signed by Slack or too old (then nothing else is known of it), from another workspace,
 * a repetition, or in a channel where the bot does not answer.
 */
export type DoorRefusal = Pick<SlackRequest, 'team' | 'channel' | 'user' | 'userName'> & {
  kind: SlackRequest['kind'] | 'unknown';
  why: 'signature' | 'workspace' | 'repetition' | 'channel';
};

type Client = App['client'];
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
  const open = (body: unknown): SlackRequest | null => {
    const request = receive(body);
    return request === null || refusedQuietly(request, options, isReplay) ? null : request;
  };

  app.command(options.command ?? '/octo', async ({ ack, body, client, respond }) => {
    await ack();
    const request = open(body);
    if (request !== null) await serve(request, options, { client, say: sayThrough(respond), viewId: null });
  });
  app.action(/.*/, async ({ ack, body, client, respond }) => {
    await ack();
    const request = open(body);
    if (request === null) return;
    const view = 'view' in body ? body.view : undefined;
    // A button of App Home or of a form has no channel to respond to.
    const say = request.channel === null ? sayInChannel(client, request, options) : sayThrough(respond);
    await serve(request, options, { client, say, viewId: view?.type === 'modal' ? view.id : null });
    if (view?.type === 'home') await publishHome(request, options, client);
  });
  app.view(/.*/, async ({ ack, body, client }) => {
    const request = open(body);
    if (request === null) return ack();
    // The page that was sent stays open and shows the answer: what was typed is not lost.
    await ack({ response_action: 'update', view: loadingForm(formDue(request) ?? '') });
    const say = sayInChannel(client, request, options);
    await serve(request, options, { client, say, viewId: body.view.id });
    await publishHome(request, options, client);
  });
  app.event('app_home_opened', async ({ body, client }) => {
    const request = open(body);
    if (request !== null) await publishHome(request, options, client);
  });
  app.error((error) => {
    options.log({ level: 'error', message: `an answer did not reach Slack: ${error.name}`, code: error.code });
    return Promise.resolve();
  });
  return app;
};

/** Where an answer is shown: in an open form, else in a form that is opened for it, else as words to the person alone. */
type Place = { client: Client; say: Say; viewId: string | null };

const serve = async (request: SlackRequest, options: SlackAppOptions, place: Place): Promise<void> => {
  const title = formDue(request);
  const opened =
    title === null || place.viewId !== null
      ? Promise.resolve(place.viewId)
      : openForm(place.client, request, loadingForm(title));
  const [viewId, answer] = await Promise.all([opened, answerTo(request, options, opened)]);
  if (answer === null) return;
  if (viewId !== null) await fillForm(answer, { ...place, viewId, title: title ?? 'octo' });
  else if (!('form' in answer)) await place.say(answer);
  else if ((await openForm(place.client, request, answer.form)) === null) await place.say(notOpened(answer.form));
};

/** What goes wrong while answering is itself the answer. */
const answerTo = async (
  request: SlackRequest,
  options: SlackAppOptions,
  opened: Promise<string | null>,
): Promise<Answer> => {
  try {
    if (request.channel !== null && !options.allow.channels.includes(request.channel)) {
      options.onRefused?.({ ...request, why: 'channel' });
      throw new OctoError('ChannelNotAllowed', 'the bot does not answer in this channel');
    }
    return await options.handOver(request, opened);
  } catch (thrown) {
    const error = OctoError.from(thrown);
    if (error.code === 'Bug')
      options.log({ level: 'error', message: `handing over a ${request.kind} failed`, code: 'Bug' });
    if (request.kind === 'form') return { form: refusedForm(request.view, request.values, error) };
    return errorReply(error);
  }
};

/** The id of the form that opened; null when Slack did not open it, as for a click that is too old. */
const openForm = async (client: Client, { triggerId }: SlackRequest, view: ChatForm): Promise<string | null> => {
  try {
    return (await client.views.open({ trigger_id: triggerId, view })).view?.id ?? null;
  } catch {
    return null;
  }
};

/** Puts the answer into the open form. A form that was closed meanwhile is answered in words. */
const fillForm = async (
  answer: NonNullable<Answer>,
  { client, say, viewId, title }: Place & { viewId: string; title: string },
): Promise<void> => {
  const view = 'form' in answer ? answer.form : answerForm(title, answer);
  try {
    await client.views.update({ view_id: viewId, view });
  } catch (thrown) {
    if (!('form' in answer)) await say(answer);
    else if (!isClosed(thrown)) await say(notOpened(answer.form));
  }
};

/** Whoever closed a form does not want it filled. */
const isClosed = (thrown: unknown): boolean =>
  thrown instanceof Error && (thrown as { data?: { error?: unknown } }).data?.error === 'not_found';

const notOpened = ({ title }: ChatForm): ChatMessage =>
  errorReply(new OctoError('FormNotOpened', `the form "${title.text}" did not open`));

/** Draws the person's App Home anew: it is a view, and what it shows has just changed. */
const publishHome = async (asked: SlackRequest, options: SlackAppOptions, client: Client): Promise<void> => {
  const { triggerId, team, user, userName } = asked;
  const sender = { triggerId, team, user, userName, channel: null, responseUrl: null };
  const answer = await answerTo({ kind: 'home', ...sender }, options, Promise.resolve(null));
  if (answer === null || !('blocks' in answer)) return;
  await client.views.publish({ user_id: user, view: { type: 'home', blocks: answer.blocks } });
};

const sayInChannel =
  (client: Client, { user }: SlackRequest, { allow }: SlackAppOptions): Say =>
  async (message) => {
    await client.chat.postEphemeral({ ...message, channel: allow.channels[0] ?? '', user });
  };

const sayThrough =
  (respond: RespondFn): Say =>
  (message) =>
    respond({ ...message, response_type: 'ephemeral', replace_original: false });

/** Strangers and repetitions get no answer: it would tell them that somebody listens. */
const refusedQuietly = (
  request: SlackRequest,
  { allow, log, onRefused }: SlackAppOptions,
  isReplay: (triggerId: string) => boolean,
): boolean => {
  if (request.team !== allow.team) {
    log({ level: 'warn', message: `a ${request.kind} from another workspace was dropped` });
    onRefused?.({ ...request, why: 'workspace' });
    return true;
  }
  if (isReplay(request.triggerId)) {
    log({ level: 'warn', message: `a repeated ${request.kind} was dropped` });
    onRefused?.({ ...request, why: 'repetition' });
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
