/**
 * How Slack reaches the app: signed HTTP requests or a Socket Mode connection, three seconds to acknowledge, trigger
 * ids that live three seconds and open one form, and response URLs that work five times within half an hour.
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @see https://docs.slack.dev/interactivity/handling-user-interaction
 */
import { createHmac, randomBytes } from 'node:crypto';

const TRIGGER_MILLISECONDS = 3_000;
const RESPONSE_URL_USES = 5;
const RESPONSE_URL_MILLISECONDS = 30 * 60_000;

export type Envelope = { kind: 'slash_commands' | 'interactive' | 'events_api'; payload: Record<string, unknown> };

/** How the app acknowledged, or the error that Slack shows in its place. */
export type Ack =
  | { isTaken: true; body: unknown }
  | { isTaken: false; error: 'operation_timeout' | 'dispatch_failed' | 'http_client_error' | 'http_service_error' };

/** Sends one envelope to the app and waits, at most `ackMilliseconds`, for its acknowledgement. */
export type Send = (envelope: Envelope) => Promise<Ack>;

/** Signs `body` as Slack does: the `v0` scheme over timestamp and raw body. */
export const signature = (secret: string, seconds: number, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex')}`;

/** The sender over HTTP to the app's request URL. */
export const httpSender =
  (options: { appUrl: string; signingSecret: string; ackMilliseconds: number; now: () => Date }): Send =>
  async (envelope) => {
    const { body, contentType } = encode(envelope);
    const seconds = Math.floor(options.now().getTime() / 1000);
    try {
      const response = await fetch(options.appUrl, {
        method: 'POST',
        headers: {
          'content-type': contentType,
          'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
          'x-slack-request-timestamp': String(seconds),
          'x-slack-signature': signature(options.signingSecret, seconds, body),
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(options.ackMilliseconds),
      });
      const text = await response.text();
      if (response.status >= 500) return { isTaken: false, error: 'http_service_error' };
      if (response.status !== 200) return { isTaken: false, error: 'http_client_error' };
      return { isTaken: true, body: parseAck(text) };
    } catch (error) {
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      return { isTaken: false, error: isLate ? 'operation_timeout' : 'dispatch_failed' };
    }
  };

const encode = ({ kind, payload }: Envelope): { body: string; contentType: string } => {
  if (kind === 'events_api') return { body: JSON.stringify(payload), contentType: 'application/json' };
  const fields = kind === 'slash_commands' ? (payload as Record<string, string>) : { payload: JSON.stringify(payload) };
  return { body: new URLSearchParams(fields).toString(), contentType: 'application/x-www-form-urlencoded' };
};

const parseAck = (text: string): unknown => {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { text };
  }
};

/** Trigger ids: each opens one form, within three seconds. */
export const createTriggers = (now: () => Date) => {
  const open = new Map<string, { user: string; bornAt: number; isUsed: boolean }>();
  return {
    issue: (user: string): string => {
      const bornAt = now().getTime();
      const id = `${bornAt}.${Math.floor(Math.random() * 1e12)}.${randomBytes(16).toString('hex')}`;
      open.set(id, { user, bornAt, isUsed: false });
      return id;
    },
    /** The user whose click or command it was, or the error that `views.open` answers. */
    redeem: (id: unknown): { user: string } | { error: string } => {
      const trigger = typeof id === 'string' ? open.get(id) : undefined;
      if (trigger === undefined) return { error: 'invalid_trigger_id' };
      if (trigger.isUsed) return { error: 'exchanged_trigger_id' };
      if (now().getTime() - trigger.bornAt > TRIGGER_MILLISECONDS) return { error: 'expired_trigger_id' };
      trigger.isUsed = true;
      return { user: trigger.user };
    },
  };
};

/** Where an answer through a response URL goes: who asked, in which channel, and which message was clicked. */
export type ResponseTarget = { user: string; channel: string; threadTs: string | null; sourceTs: string | null };

/** Response URLs: five uses within thirty minutes. */
export const createResponseUrls = (options: { baseUrl: () => string; now: () => Date }) => {
  const issued = new Map<string, ResponseTarget & { bornAt: number; uses: number }>();
  return {
    issue: (target: ResponseTarget): string => {
      const id = randomBytes(12).toString('hex');
      issued.set(id, { ...target, bornAt: options.now().getTime(), uses: 0 });
      return `${options.baseUrl()}/respond/${id}`;
    },
    redeem: (id: string): ResponseTarget | { error: 'invalid_url' | 'used_url' | 'expired_url' } => {
      const target = issued.get(id);
      if (target === undefined) return { error: 'invalid_url' };
      if (options.now().getTime() - target.bornAt > RESPONSE_URL_MILLISECONDS) return { error: 'expired_url' };
      if (target.uses >= RESPONSE_URL_USES) return { error: 'used_url' };
      target.uses += 1;
      return target;
    },
  };
};
