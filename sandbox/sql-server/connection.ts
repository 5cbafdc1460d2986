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
import { openSession } from './session.ts';
import type { Session } from './session.ts';
import type { Reply } from './statements.ts';
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
  columnMetadata,
  DONE,
  DONE_STATUS,
  doneToken,
  envChange,
  featureAck,
  loginAck,
  messageToken,
  returnStatus,
  rowToken,
  transactionChange,
} from './tds/tokens.ts';
import type { ServerMessage } from './tds/tokens.ts';
import { transportOver } from './tds/transport.ts';

const FLUSH_BYTES = 64 * 1024;
const MAX_PARAMETERS = 2100;

export type Encryption = { context: SecureContext; isForced: boolean };

export const serveConnection = (instance: Instance, socket: Socket, encryption: Encryption): void => {
  let session: Session | null = null;
  let packetBytes = 4096;
  let last: Promise<void> = Promise.resolve();
  const transport = transportOver(
    socket,
    packetReader((received) => receive(received)),
  );

  const sendMessage = (payload: Buffer, isLast = true): void =>
    transport.write(toPackets(PACKET.response, payload, { packetBytes, isLast, sessionId: session?.id ?? 0 }));

  const receive = (received: Message): void => {
    if (received.type === PACKET.attention) attend();
    else last = last.then(() => answer(received)).catch(() => void socket.destroy());
  };

  const attend = (): void => {
    session?.state.request?.abort.abort();
    last = last.then(() => sendMessage(doneToken(DONE.done, { status: DONE_STATUS.attention })));
  };

  const answer = async (received: Message): Promise<void> => {
    if (received.isIgnored) return sendMessage(doneToken(DONE.done, { status: DONE_STATUS.error }));
    if (received.type === PACKET.prelogin) return answerPrelogin(received.payload);
    if (received.type === PACKET.login7) return logIn(parseLogin7(received.payload));
    if (session === null) return void socket.destroy();
    await answerRequest(session, received);
  };

  const answerPrelogin = (payload: Buffer): void => {
    const agreed = agreeEncryption(preloginEncryption(payload), encryption.isForced);
    sendMessage(preloginAnswer(agreed, instance.settings.majorVersion));
    // Encrypting the login packet only is what FreeTDS asks for; it is not served, and OFF then means in clear.
    if (agreed === ENCRYPTION.on || agreed === ENCRYPTION.required) transport.startTls(encryption.context);
  };

  const tokenOf = (one: ServerMessage): Buffer => messageToken(one, instance.settings.serverName);

  const refuse = (...messages: ServerMessage[]): void => {
    const done = doneToken(DONE.done, { status: DONE_STATUS.error });
    sendMessage(Buffer.concat([...messages.map(tokenOf), done]));
    transport.end();
  };

  const logIn = (login: Login): void => {
    const known = instance.settings.logins[login.user];
    const isRefused = instance.faults.isLoginRefused || known === undefined || known.password !== login.password;
    if (isRefused || !isServedTdsVersion(login.tdsVersion)) return refuse(message(18456, login.user));
    session = openSession(instance, login, () => socket.destroy());
    try {
      if (login.database !== '') session.state.database = session.enter(login.database).name;
    } catch (error) {
      if (!isFailure(error)) throw error;
      return refuse(message(4060, login.database), message(18456, login.user));
    }
    const { database } = session.state;
    const answer = Buffer.concat([
      envChange('database', [database, 'master']),
      tokenOf(message(5701, database)),
      collationChange(),
      envChange('language', ['us_english', '']),
      tokenOf(message(5703)),
      loginAck(instance.settings.majorVersion, 4000),
      envChange('packetSize', [String(login.packetBytes), '4096']),
      featureAck(),
      doneToken(DONE.done, { status: 0 }),
    ]);
    sendMessage(answer);
    packetBytes = login.packetBytes;
  };

  const answerRequest = async (session: Session, received: Message): Promise<void> => {
    const isProcedure = received.type === PACKET.rpc;
    const response = openResponse(isProcedure);
    const abort = new AbortController();
    session.state.variables.clear();
    session.state.request = {
      command: 'SELECT',
      database: session.state.database,
      startedAt: new Date(),
      percent: 0,
      abort,
    };
    let failed: ServerMessage[] = [];
    try {
      const sql = requestText(session, received);
      await runBatch({ instance, session, reply: response.reply, signal: abort.signal }, sql);
    } catch (error) {
      failed = failureMessages(error, abort.signal);
    }
    session.state.request = null;
    if (session.state.isKilled) failed = [...failed, message(596)];
    response.end(failed);
    if (session.state.isKilled) transport.end();
  };

  const failureMessages = (error: unknown, signal: AbortSignal): ServerMessage[] => {
    if (isFailure(error)) return error.serverMessages;
    if (signal.aborted) return [];
    return [message(8009, error instanceof Error ? error.message : String(error))];
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

  const openResponse = (isProcedure: boolean): { reply: Reply; end(failed: ServerMessage[]): void } => {
    let tokens: Buffer[] = [];
    let heldDone: { rowCount?: number } | null = null;
    const doneKind = isProcedure ? DONE.inProc : DONE.done;
    const inTransaction = (): number => (session?.state.isInTransaction ? DONE_STATUS.inTransaction : 0);
    /** A statement's DONE is held back until it is known whether it is the last. */
    const settle = (): void => {
      if (heldDone !== null)
        tokens.push(doneToken(doneKind, { status: DONE_STATUS.more | inTransaction(), ...heldDone }));
      heldDone = null;
    };
    const flush = (): void => {
      sendMessage(Buffer.concat(tokens), false);
      tokens = [];
    };
    const add = (token: Buffer): void => {
      settle();
      tokens.push(token);
    };
    const reply: Reply = {
      message: (one) => {
        add(tokenOf(one));
        flush();
      },
      rows: async (columns, rows) => {
        add(columnMetadata(columns));
        let size = 0;
        for (const row of rows) {
          const token = rowToken(columns, row);
          tokens.push(token);
          size += token.length;
          if (size < FLUSH_BYTES) continue;
          flush();
          size = 0;
          await transport.drained();
        }
      },
      done: (rowCount) => {
        settle();
        heldDone = rowCount === undefined ? {} : { rowCount };
      },
      databaseChanged: (name, previous) => {
        add(envChange('database', [name, previous]));
        add(tokenOf(message(5701, name)));
      },
      transactionChanged: (kind, descriptor) => add(transactionChange(kind, descriptor)),
    };
    const end = (failed: ServerMessage[]): void => {
      const error = failed.length > 0 ? DONE_STATUS.error : 0;
      if (isProcedure || failed.length > 0) settle();
      tokens.push(...failed.map(tokenOf));
      if (isProcedure)
        tokens.push(returnStatus(failed[0]?.number ?? 0), doneToken(DONE.proc, { status: error | inTransaction() }));
      else tokens.push(doneToken(DONE.done, { status: error | inTransaction(), ...heldDone }));
      sendMessage(Buffer.concat(tokens));
    };
    return { reply, end };
  };

  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const leave = (): void => session?.close();
    if (instance.faults.isWorkKeptAfterDrop) void last.then(leave);
    else leave();
  });
};

const transactionText = (request: number): string => {
  if (request === TRANSACTION.begin) return 'BEGIN TRANSACTION';
  if (request === TRANSACTION.commit) return 'COMMIT';
  if (request === TRANSACTION.rollback) return 'ROLLBACK';
  throw failure(message(40517, 'SAVE TRANSACTION'));
};
