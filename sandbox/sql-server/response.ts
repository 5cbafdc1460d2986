/** The stream of tokens that answers one request: rows and messages leave while the work goes on. */
import type { Reply } from './statements.ts';
import {
  columnMetadata,
  DONE,
  DONE_STATUS,
  doneToken,
  envChange,
  messageToken,
  returnStatus,
  rowToken,
  transactionChange,
} from './tds/tokens.ts';
import type { ServerMessage } from './tds/tokens.ts';
import { message } from './messages.ts';

const FLUSH_BYTES = 64 * 1024;

export type ResponseOptions = {
  /** Procedures are answered by DONEINPROC for each statement and a return status, batches by DONE. */
  isProcedure: boolean;
  serverName: string;
  isInTransaction: () => boolean;
  send: (payload: Buffer, isLast: boolean) => void;
  drained: () => Promise<void>;
};

export type Response = { reply: Reply; end(failed: readonly ServerMessage[]): void };

export const openResponse = (options: ResponseOptions): Response => {
  const { isProcedure, serverName, send, drained } = options;
  let tokens: Buffer[] = [];
  let heldDone: { rowCount?: number } | null = null;
  const transactionBit = (): number => (options.isInTransaction() ? DONE_STATUS.inTransaction : 0);
  /** A statement's DONE is held back until it is known whether it is the last. */
  const settle = (): void => {
    const status = DONE_STATUS.more | transactionBit();
    if (heldDone !== null) tokens.push(doneToken(isProcedure ? DONE.inProc : DONE.done, { status, ...heldDone }));
    heldDone = null;
  };
  const add = (token: Buffer): void => {
    settle();
    tokens.push(token);
  };
  const flush = (isLast = false): void => {
    send(Buffer.concat(tokens), isLast);
    tokens = [];
  };
  const reply: Reply = {
    message: (one) => {
      add(messageToken(one, serverName));
      flush();
    },
    rows: async (columns, rows) => {
      add(columnMetadata(columns));
      let sizeBytes = 0;
      for (const row of rows) {
        const token = rowToken(columns, row);
        tokens.push(token);
        sizeBytes += token.length;
        if (sizeBytes < FLUSH_BYTES) continue;
        flush();
        sizeBytes = 0;
        await drained();
      }
    },
    done: (rowCount) => {
      settle();
      heldDone = rowCount === undefined ? {} : { rowCount };
    },
    databaseChanged: (name, previous) => {
      add(envChange('database', [name, previous]));
      add(messageToken(message(5701, name), serverName));
    },
    transactionChanged: (kind, descriptor) => add(transactionChange(kind, descriptor)),
  };
  const end = (failed: readonly ServerMessage[]): void => {
    const status = (failed.length > 0 ? DONE_STATUS.error : 0) | transactionBit();
    if (isProcedure || failed.length > 0) settle();
    tokens.push(...failed.map((one) => messageToken(one, serverName)));
    if (isProcedure) tokens.push(returnStatus(failed[0]?.number ?? 0), doneToken(DONE.proc, { status }));
    else tokens.push(doneToken(DONE.done, { status, ...heldDone }));
    flush(true);
  };
  return { reply, end };
};
