/**
 * The chat over Slack's Web API. One call is one request: no retries inside, so that whoever posts decides when to try
 * again, and a limit is reported at once instead of slept through.
 * @see https://docs.slack.dev/apis/web-api/rate-limits
 */
import {
  type Logger,
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from '@slack/web-api';
import { OctoError } from '../domain/errors.ts';
import type { Secret } from '../domain/secrets/secret.ts';
import type { Chat, PostedMessage, PostOnce, SharedFile } from '../ports/chat.ts';

/** An answer of Slack that takes longer does not come. */
export const CALL_MILLISECONDS = 10_000;

/** The names Slack gives to trouble of its own, which passes. */
const PASSING = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

/** A chat that speaks with `token`'s rights. `apiUrl` ends in `/api/`; absent it is Slack's. */
export const slackChat = (options: { token: Secret; apiUrl?: string }): Chat => {
  const client = slackClient(options);
  return {
    post: async ({ channel, threadTs, once, ...message }) => {
      const earlier = once === undefined ? null : await translated('search', findPosted(client, channel, once));
      if (earlier !== null) {
        await translated('edit', client.chat.update({ ...message, ...earlier }));
        return earlier;
      }
      const thread = {
        ...(threadTs !== undefined && { thread_ts: threadTs }),
        ...(once !== undefined && { metadata: { event_type: KEY_EVENT, event_payload: { key: once.key } } }),
      };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's method, not a window's
      const posted = await translated('message', client.chat.postMessage({ ...quiet, ...message, ...thread, channel }));
      return { channel: String(posted.channel), ts: String(posted.ts) };
    },
    update: async (message) => {
      await translated('edit', client.chat.update(message));
    },
    shareFile: (file) => translated('file', share(client, file)),
    groupMembers: async (group) => {
      const found = await translated('user group', client.usergroups.users.list({ usergroup: group }));
      return found.users ?? [];
    },
    postEphemeral: async (message) => {
      await translated('answer', client.chat.postEphemeral(message));
    },
  };
};

/** Slack's client without its own retries and words. */
export const slackClient = ({ token, apiUrl }: { token: Secret; apiUrl?: string }): WebClient =>
  new WebClient(token.reveal(), {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    timeout: CALL_MILLISECONDS,
    logger: silent,
  });

/** In three moves: ask for an address, send the bytes there, show them. @see https://docs.slack.dev/messaging/working-with-files */
const share = async (client: WebClient, { channel, threadTs, name, title, bytes }: SharedFile): Promise<void> => {
  const { upload_url: url, file_id: id } = await client.files.getUploadURLExternal({
    filename: name,
    length: bytes.length,
  });
  if (url === undefined || id === undefined) throw new OctoError('ChatRefused', 'slack gave the file no address');
  const body = new Uint8Array(bytes);
  const sent = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(CALL_MILLISECONDS) }).catch(
    (cause: unknown) => {
      throw new OctoError('ChatUnavailable', 'slack did not take the bytes of the file', { cause });
    },
  );
  if (!sent.ok) throw new OctoError('ChatRefused', `slack answered the file with status ${sent.status}`);
  const place = threadTs === undefined ? { channel_id: channel } : { channel_id: channel, thread_ts: threadTs };
  await client.files.completeUploadExternal({ files: [{ id, title }], ...place, initial_comment: title });
};

/** Message metadata is kept by Slack beside a message, through all edits, and shown to apps only. */
const KEY_EVENT = 'octo_message';
/** Slack's clock stamps messages, ours the request. */
const CLOCK_SECONDS = 300;

const findPosted = async (
  client: WebClient,
  channel: string,
  { key, since }: PostOnce,
): Promise<PostedMessage | null> => {
  const oldest = String(Math.floor(Date.parse(since) / 1000) - CLOCK_SECONDS);
  let cursor: string | undefined;
  do {
    const page = await client.conversations.history({
      channel,
      oldest,
      limit: 200,
      include_all_metadata: true,
      ...(cursor !== undefined && { cursor }),
    });
    const found = page.messages?.find(
      ({ metadata }) => metadata?.event_type === KEY_EVENT && fieldOf(metadata.event_payload, 'key') === key,
    );
    if (found?.ts !== undefined) return { channel, ts: found.ts };
    cursor = page.response_metadata?.next_cursor;
  } while (cursor !== undefined && cursor !== '');
  return null;
};

const fieldOf = (payload: unknown, name: string): unknown =>
  typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>)[name] : undefined;

/** No previews of the links in a card. */
const quiet = { unfurl_links: false, unfurl_media: false };

/** Awaits a call; what fails is told as ours. */
export const translated = async <T>(what: string, call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    throw translate(what, error);
  }
};

const translate = (what: string, error: unknown): OctoError => {
  if (error instanceof WebAPIRateLimitedError) return limited(what, error, error.retryAfter);
  if (error instanceof WebAPIHTTPError) {
    const facts = { status: error.statusCode };
    const code = error.statusCode >= 500 ? 'ChatUnavailable' : 'ChatRefused';
    return new OctoError(code, `slack answered the ${what} with status ${error.statusCode}`, { cause: error, facts });
  }
  if (error instanceof WebAPIRequestError) {
    return new OctoError('ChatUnavailable', `slack did not answer the ${what}`, { cause: error });
  }
  if (error instanceof WebAPIPlatformError) return refused(what, error);
  return OctoError.from(error);
};

const limited = (what: string, cause: Error, retryAfterSeconds: number): OctoError =>
  new OctoError('ChatLimited', `slack takes the ${what} in ${retryAfterSeconds} s`, {
    cause,
    facts: { retryAfterSeconds },
  });

const refused = (what: string, error: WebAPIPlatformError): OctoError => {
  const slackError = error.data.error;
  const detail = { cause: error, facts: { slackError } };
  if (slackError === 'ratelimited') return limited(what, error, error.data.response_metadata?.retryAfter ?? 1);
  if (PASSING.has(slackError))
    return new OctoError('ChatUnavailable', `slack could not take the ${what}: ${slackError}`, detail);
  if (slackError === 'missing_scope') {
    const { needed } = error.data as { needed?: unknown };
    const scope = typeof needed === 'string' ? needed : 'that it needs';
    return new OctoError('ChatScopeMissing', `slack refused the ${what}: the app lacks the scope ${scope}`, {
      cause: error,
      facts: { slackError, scope },
    });
  }
  if (slackError === 'message_not_found')
    return new OctoError('ChatMessageGone', 'the message to edit is gone', detail);
  return new OctoError('ChatRefused', `slack refused the ${what}: ${slackError}`, detail);
};

/** The SDK would print what we report ourselves, and print messages at debug level. */
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
};
