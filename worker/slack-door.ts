/**
 * The Slack door of one machine: signed HTTP requests, or Socket Mode where nothing may dial in.
 *
 * The receiver checks the signature over the raw body and refuses requests older than five minutes; `slack-app` drops
 * repetitions and strangers. In Socket Mode Slack authenticates the connection itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTPReceiver, SocketModeReceiver } from '@slack/bolt';
import { loggerOf, slackApp, type DoorRefusal, type SlackAppOptions } from '../handlers/slack-app.ts';
import { OctoError } from '../lib/domain/errors.ts';
import type { Secret } from '../lib/domain/secrets/secret.ts';

export type SlackDoorOptions = Omit<SlackAppOptions, 'receiver'> &
  (
    | {
        mode: 'http';
        /** 0 takes a free one. */
        port: number;
        /** This machine only unless told otherwise: TLS ends in a proxy before it. */
        host?: string;
        signingSecret: Secret;
      }
    | { mode: 'socket'; appToken: Secret }
  );

export type SlackDoor = {
  /** Where Slack sends requests; `null` in Socket Mode. */
  url: string | null;
  close(): Promise<void>;
};

const PATH = '/slack/events';
const UNVERIFIED = 401;
const FORGED: DoorRefusal = {
  why: 'signature',
  kind: 'unknown',
  team: '',
  channel: null,
  user: '',
  userName: 'unknown',
};

/** Opens the door; resolves when requests are served. @throws SlackDoorNotOpened */
export const openSlackDoor = (options: SlackDoorOptions): Promise<SlackDoor> =>
  options.mode === 'http' ? openHttp(options) : openSocket(options);

const openHttp = async (options: SlackDoorOptions & { mode: 'http' }): Promise<SlackDoor> => {
  const receiver = new HTTPReceiver({
    signingSecret: options.signingSecret.reveal(),
    endpoints: [PATH],
    logger: loggerOf(options.log),
  });
  slackApp({ ...options, receiver });
  const host = options.host ?? '127.0.0.1';
  const server = await opening(`port ${options.port} of ${host}`, receiver.start({ port: options.port, host }));
  const { port } = server.address() as AddressInfo;
  // The receiver answers what it cannot verify with 401 and tells nobody else.
  server.on('request', (_request: IncomingMessage, response: ServerResponse) =>
    response.once('finish', () => void (response.statusCode === UNVERIFIED && options.onRefused?.(FORGED))),
  );
  return {
    url: `http://${host}:${port}${PATH}`,
    close: () => {
      const closed = receiver.stop();
      server.closeAllConnections();
      return closed;
    },
  };
};

const openSocket = async (options: SlackDoorOptions & { mode: 'socket' }): Promise<SlackDoor> => {
  const receiver = new SocketModeReceiver({
    appToken: options.appToken.reveal(),
    logger: loggerOf(options.log),
    // The one way to the client's options that the receiver offers.
    installerOptions: { clientOptions: options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl } },
  });
  slackApp({ ...options, receiver });
  await opening('Socket Mode', receiver.start());
  return { url: null, close: () => receiver.client.disconnect() };
};

const opening = async <T>(what: string, start: Promise<T>): Promise<T> => {
  try {
    return await start;
  } catch (cause) {
    throw new OctoError('SlackDoorNotOpened', `the slack door did not open: ${what}`, { cause });
  }
};
