/**
 * One client's conversation: PRELOGIN, TLS, LOGIN7, then requests one at a time, each answered by a stream of tokens.
 *
 * An attention ends the running response with its own message and is acknowledged in a second one, which is what the
 * driver waits for.
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Instance } from './instance.ts';
import { failure, isFailure, message } from './messages.ts';
import { openResponse } from './response.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';
import { runBatch } from './statements.ts';
import {
  agreeEncryption,
  ENCRYPTION,
  isServedTdsVersion,
  parseLogin7,
  preloginAnswer,
  preloginEncryption,
} from './tds/login.ts';
import type { Login } from './tds/login.ts';
import { PACKET, packetReader, toPackets } from './tds/packets.ts';
import type { Message } from './tds/packets.ts';
import { parseBatch, parseProcedure, parseTransaction, TRANSACTION } from './tds/requests.ts';
import {
  collationChange,
  DONE,
  DONE_STATUS,
  doneToken,
  envChange,
  featureAck,
  loginAck,
  messageToken,
} from './tds/tokens.ts';
import type { ServerMessage } from './tds/tokens.ts';
import { transportOver } from './tds/transport.ts';
import type { Transport } from './tds/transport.ts';

const MAX_PARAMETERS = 2100;
const FIRST_PACKET_BYTES = 4096;

export type Encryption = { context: SecureContext; isForced: boolean };

/** What one connection is made of; the session comes with the login. */
type Client = {
  instance: Instance;
  encryption: Encryption;
  socket: Socket;
  transport: Transport;
  packetBytes: number;
  session: Session | null;
};

export const serveConnection = (instance: Instance, socket: Socket, encryption: Encryption): void => {
  let last: Promise<void> = Promise.resolve();
  const receive = (received: Message): void => {
    const act = received.type === PACKET.attention ? () => acknowledge(client) : () => answer(client, received);
    if (received.type === PACKET.attention) client.session?.state.request?.abort.abort();
    last = last.then(act).catch(() => void socket.destroy());
  };
  const transport = transportOver(socket, packetReader(receive));
  const client: Client = { instance, encryption, socket, transport, packetBytes: FIRST_PACKET_BYTES, session: null };
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const leave = (): void => client.session?.close();
    if (instance.faults.isWorkKeptAfterDrop) void last.then(leave);
    else leave();
  });
};

const send = ({ transport, packetBytes, session }: Client, payload: Buffer, isLast = true): void =>
  transport.write(toPackets(PACKET.response, payload, { packetBytes, isLast, sessionId: session?.id ?? 0 }));

const acknowledge = (client: Client): void => send(client, doneToken(DONE.done, { status: DONE_STATUS.attention }));

const answer = async (client: Client, received: Message): Promise<void> => {
  if (received.isIgnored) send(client, doneToken(DONE.done, { status: DONE_STATUS.error }));
  else if (received.type === PACKET.prelogin) answerPrelogin(client, received.payload);
  else if (received.type === PACKET.login7) logIn(client, parseLogin7(received.payload));
  else if (client.session === null) client.socket.destroy();
  else await answerRequest(client, client.session, received);
};

const answerPrelogin = (client: Client, payload: Buffer): void => {
  const { encryption, instance, transport } = client;
  const agreed = agreeEncryption(preloginEncryption(payload), encryption.isForced);
  send(client, preloginAnswer(agreed, instance.settings.majorVersion));
  // Encrypting the login packet only is what FreeTDS asks for; it is not served, and OFF then means in clear.
  if (agreed === ENCRYPTION.on || agreed === ENCRYPTION.required) transport.startTls(encryption.context);
};

const refuse = (client: Client, ...messages: ServerMessage[]): void => {
  const tokens = messages.map((one) => messageToken(one, client.instance.settings.serverName));
  send(client, Buffer.concat([...tokens, doneToken(DONE.done, { status: DONE_STATUS.error })]));
  client.transport.end();
};

const logIn = (client: Client, login: Login): void => {
  const { instance, socket } = client;
  const known = instance.settings.logins[login.user];
  const isRefused = instance.faults.isLoginRefused || known?.password !== login.password;
  if (isRefused || !isServedTdsVersion(login.tdsVersion)) return refuse(client, message(18456, login.user));
  client.session = openSession(instance, login, () => socket.destroy());
  try {
    if (login.database !== '') client.session.state.database = client.session.enter(login.database).name;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return refuse(client, message(4060, login.database), message(18456, login.user));
  }
  send(client, loginAnswer(instance, login, client.session.state.database));
  client.packetBytes = login.packetBytes;
};

const loginAnswer = (instance: Instance, login: Login, database: string): Buffer => {
  const tokenOf = (one: ServerMessage): Buffer => messageToken(one, instance.settings.serverName);
  return Buffer.concat([
    envChange('database', [database, 'master']),
    tokenOf(message(5701, database)),
    collationChange(),
    envChange('language', ['us_english', '']),
    tokenOf(message(5703)),
    loginAck(instance.settings.majorVersion, 4000),
    envChange('packetSize', [String(login.packetBytes), String(FIRST_PACKET_BYTES)]),
    featureAck(),
    doneToken(DONE.done, { status: 0 }),
  ]);
};

const answerRequest = async (client: Client, session: Session, received: Message): Promise<void> => {
  const { instance, transport } = client;
  const { state } = session;
  const abort = new AbortController();
  const response = openResponse({
    isProcedure: received.type === PACKET.rpc,
    serverName: instance.settings.serverName,
    isInTransaction: () => state.isInTransaction,
    send: (payload, isLast) => send(client, payload, isLast),
    drained: () => transport.drained(),
  });
  state.variables.clear();
  state.request = { command: 'SELECT', database: state.database, startedAt: new Date(), percent: 0, abort };
  const failed: ServerMessage[] = [];
  try {
    const sql = requestText(session, received);
    await runBatch({ instance, session, reply: response.reply, signal: abort.signal }, sql);
  } catch (error) {
    failed.push(...failureMessages(error, abort.signal));
  }
  state.request = null;
  if (state.isKilled) failed.push(message(596));
  response.end(failed);
  if (state.isKilled) transport.end();
};

const failureMessages = (error: unknown, signal: AbortSignal): ServerMessage[] => {
  if (isFailure(error)) return error.serverMessages;
  return signal.aborted ? [] : [message(8009, error instanceof Error ? error.message : String(error))];
};

/** The T-SQL of a request; a procedure's parameters become variables. */
const requestText = (session: Session, { type, payload }: Message): string => {
  if (type === PACKET.batch) return parseBatch(payload);
  if (type === PACKET.transaction) return transactionText(parseTransaction(payload));
  if (type !== PACKET.rpc) throw failure(message(8009, `requests of type ${type} are not served`));
  const { name, parameters } = parseProcedure(payload);
  if (name !== 'sp_executesql') throw failure(message(2812, name));
  const [statement, , ...values] = parameters;
  if (values.length > MAX_PARAMETERS) throw failure(message(8003));
  for (const { name, type, value } of values) session.state.variables.set(name, { type, value });
  return String(statement?.value ?? '');
};

const transactionText = (request: number): string => {
  if (request === TRANSACTION.begin) return 'BEGIN TRANSACTION';
  if (request === TRANSACTION.commit) return 'COMMIT';
  if (request === TRANSACTION.rollback) return 'ROLLBACK';
  throw failure(message(40517, 'SAVE TRANSACTION'));
};
