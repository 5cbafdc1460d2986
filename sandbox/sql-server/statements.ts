/**
 * Runs a batch: splits it into statements, walks IF and BEGIN … END, and performs each statement.
 *
 * Queries and table definitions go to SQLite; the rest is in `databases.ts`, `backup.ts` and `restore.ts`. Stricter than
 * SQL Server in one point: a batch ends at its first error, also where SQL Server would go on with the next statement.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { performBackup } from './backup/backup.ts';
import { databaseStatements } from './databases.ts';
import type { Instance } from './instance.ts';
import { failure, isFailure, message } from './messages.ts';
import { performRestore } from './backup/restore.ts';
import type { Session } from './session.ts';
import type { Column, ServerMessage } from './tds/tokens.ts';
import { parseType } from './tds/types.ts';
import type { SqlType } from './tds/types.ts';
import type { SqlValue } from './tds/values.ts';
import { define } from './tsql/define.ts';
import { closing, isMark, isWord, splitAtCommas, tokenize, unexpected } from './tsql/lexer.ts';
import type { Token } from './tsql/lexer.ts';
import { splitStatements } from './tsql/split.ts';
import { resultTypes, rewrite, rewriteQuery, typeOf } from './tsql/translate.ts';

/** Where results go, in the order in which they come about. */
export type Reply = {
  message(message: ServerMessage): void;
  rows(columns: Column[], rows: SqlValue[][]): Promise<void>;
  done(rowCount?: number): void;
  databaseChanged(name: string, previous: string): void;
  transactionChanged(kind: 8 | 9 | 10, descriptor: bigint): void;
};

export type Work = { instance: Instance; session: Session; reply: Reply; signal: AbortSignal };
export type Perform = (work: Work, tokens: readonly Token[]) => void | Promise<void>;

const MAX_ROWS_IN_INSERT = 1000;
const BUSY_RETRY_MS = 5;

export const runBatch = async (work: Work, sql: string): Promise<void> => {
  const statements = splitStatements(tokenize(sql));
  for (let at = 0; at < statements.length;) at = await runFrom(work, { statements, at, isSkipped: false });
};

type Position = { statements: readonly (readonly Token[])[]; at: number; isSkipped: boolean };

/** Runs one statement, with the branches of an IF and the body of a block; gives the index of the next. */
const runFrom = async (work: Work, { statements, at, isSkipped }: Position): Promise<number> => {
  const tokens = statements[at] ?? [];
  if (isWord(tokens[0], 'IF')) {
    const isTrue = !isSkipped && isHolding(work, tokens.slice(1));
    const after = await runFrom(work, { statements, at: at + 1, isSkipped: isSkipped || !isTrue });
    if (!isWord(statements[after]?.[0], 'ELSE')) return after;
    return runFrom(work, { statements, at: after + 1, isSkipped: isSkipped || isTrue });
  }
  if (isWord(tokens[0], 'BEGIN') && tokens.length === 1) {
    let next = at + 1;
    while (next < statements.length && !isWord(statements[next]?.[0], 'END'))
      next = await runFrom(work, { statements, at: next, isSkipped });
    if (next >= statements.length) throw unexpected(undefined);
    return next + 1;
  }
  if (tokens.length === 0) throw unexpected(undefined);
  if (!isSkipped) await runStatement(work, tokens);
  if (!isSkipped) dropAfter(work, tokens);
  return at + 1;
};

const dropAfter = ({ instance: { faults }, session }: Work, tokens: readonly Token[]): void => {
  const words = tokens.map(({ text }) => text).join(' ');
  if (faults.dropAfterWords !== null && words.includes(faults.dropAfterWords)) session.cut();
};

const isHolding = ({ session }: Work, condition: readonly Token[]): boolean => {
  const sql = `SELECT CASE WHEN ${rewrite(condition, session.scope)} THEN 1 ELSE 0 END AS holds`;
  return query(session, sql).rows[0]?.[0] === 1n;
};

const runStatement = async (work: Work, tokens: readonly Token[]): Promise<void> => {
  if (work.session.state.isKilled) throw failure(message(596));
  const first = tokens[0] as Token;
  const word = first.kind === 'word' ? first.upper : '';
  const perform = STATEMENTS[word] ?? null;
  if (perform !== null) return perform(work, tokens);
  const native = databaseStatements.find(({ words }) => words.every((expected, i) => isWord(tokens[i], expected)));
  if (native !== undefined) return native.perform(work, tokens);
  if (['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'WITH'].includes(word)) return runQuery(work, tokens);
  const definition = define(tokens, work.session.scope);
  if (definition === null)
    throw word === 'EXEC' || word === 'EXECUTE' ? failure(message(2812, tokens[1]?.text ?? '')) : unexpected(first);
  await whenFree(work, () => work.session.sqlite.exec(definition));
  work.reply.done();
};

const runQuery = async (work: Work, tokens: readonly Token[]): Promise<void> => {
  const { session, reply } = work;
  const assignments = selectAssignments(tokens);
  if (assignments !== null) return assign(work, assignments);
  const values = tokens.findIndex((token) => isWord(token, 'VALUES'));
  const isInsert = isWord(tokens[0], 'INSERT');
  if (isInsert && values >= 0 && splitAtCommas(tokens.slice(values + 1)).length > MAX_ROWS_IN_INSERT)
    throw failure(message(10738));
  // T-SQL may leave INTO and FROM out: INSERT t, DELETE t.
  const spelled =
    isInsert && !isWord(tokens[1], 'INTO')
      ? insertWord(tokens, 'INTO')
      : isWord(tokens[0], 'DELETE') && !isWord(tokens[1], 'FROM')
        ? insertWord(tokens, 'FROM')
        : tokens;
  const sql = rewriteQuery(spelled, session.scope);
  const types = resultTypes(tokens, session.scope);
  const result = await whenFree(work, () => query(session, sql));
  if (result.columns.length === 0) {
    session.state.rowCount = result.changes;
    return reply.done(result.changes);
  }
  const columns = result.columns.map(({ name, declared }, i) => ({
    name,
    type:
      parseType(declared ?? '') ??
      (types.length === result.columns.length ? types[i] : null) ??
      typeOfValues(result.rows.map((row) => row[i] ?? null)),
  }));
  session.state.rowCount = result.rows.length;
  await reply.rows(columns, result.rows);
  reply.done(result.rows.length);
};

const insertWord = (tokens: readonly Token[], word: string): Token[] => [
  tokens[0] as Token,
  { kind: 'word', text: word, upper: word },
  ...tokens.slice(1),
];

type QueryResult = { columns: { name: string; declared: string | null }[]; rows: SqlValue[][]; changes: number };

const query = (session: Session, sql: string): QueryResult => {
  try {
    const statement = session.sqlite.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const bindings = session.bindings(sql);
    const columns = statement
      .columns()
      .map(({ name, type }) => ({ name: /^[a-z_]+\(|^CAST|^\(|^'|^\d+$/i.test(name) ? '' : name, declared: type }));
    if (columns.length === 0) return { columns, rows: [], changes: Number(statement.run(bindings).changes) };
    return { columns, rows: statement.all(bindings) as unknown as SqlValue[][], changes: 0 };
  } catch (error) {
    throw translateError(error);
  }
};

/** The type that fits all values of a computed column. */
const typeOfValues = (values: SqlValue[]): SqlType => {
  const known = values.filter((value) => value !== null);
  if (known.length > 0 && known.every((value) => typeof value === 'bigint')) {
    return { name: known.every((value) => BigInt.asIntN(32, value) === value) ? 'int' : 'bigint' };
  }
  if (known.length > 0 && known.every((value) => typeof value === 'bigint' || typeof value === 'number'))
    return { name: 'float' };
  if (known.some((value) => value instanceof Uint8Array)) return { name: 'varbinary', length: 'max' };
  return known.length === 0 ? { name: 'int' } : { name: 'nvarchar', length: 'max' };
};

/** SQLite says what went wrong in words only; the words of each kind are fixed in its source. */
const SQLITE_ERRORS: readonly [RegExp, number][] = [
  [/no such table: (?:"?[^".]+"?\.)?(.+)/, 208],
  [/has no column named (.+)/, 207],
  [/no such column: (?:[^. ]+\.)?([^ ]+)/, 207],
  [/(?:UNIQUE|PRIMARY KEY) constraint failed: (.+)/, 2627],
  [/NOT NULL constraint failed: (?:.+\.)?(.+)/, 515],
  [/(?:FOREIGN KEY|CHECK) constraint failed:? ?(.*)/, 547],
  [/table "?(.+?)"? already exists/, 2714],
  [/index (.+) already exists/, 1913],
  [/near "(.+)": syntax error/, 102],
  [/(incomplete input)/, 102],
  [/database is locked|is locked/, 1205],
];

const translateError = (error: unknown): unknown => {
  if (!(error instanceof Error) || isFailure(error)) return error;
  for (const [pattern, number] of SQLITE_ERRORS) {
    const match = pattern.exec(error.message);
    if (match !== null) return failure(message(number, match[1]?.replaceAll('"', '') ?? ''));
  }
  return failure(message(102, error.message));
};

const SQLITE_BUSY = 5;

/** Waits for a lock that another session holds, as SQL Server does; the client's cancel ends the waiting. */
const whenFree = async <T>({ signal }: Work, act: () => T): Promise<T> => {
  for (;;) {
    try {
      return act();
    } catch (error) {
      const isBusy =
        (error as { errcode?: number }).errcode === SQLITE_BUSY ||
        (isFailure(error) && error.serverMessages[0]?.number === 1205);
      if (!isBusy || signal.aborted) throw translateError(error);
      await sleep(BUSY_RETRY_MS, undefined, { signal });
    }
  }
};

/** `SELECT @a = 1, @b = 2` sets variables and returns no rows. */
const selectAssignments = (tokens: readonly Token[]): Token[][] | null => {
  if (!isWord(tokens[0], 'SELECT') || tokens[1]?.kind !== 'variable' || !isMark(tokens[2], '=')) return null;
  if (tokens.some((token) => isWord(token, 'FROM'))) throw failure(message(40517, 'SELECT @variable = … FROM'));
  return splitAtCommas(tokens.slice(1));
};

const assign = ({ session, reply }: Work, assignments: Token[][]): void => {
  for (const [name, , ...expression] of assignments) {
    const variable = session.variable(name?.text.toLowerCase() ?? '');
    variable.value = query(session, `SELECT ${rewrite(expression, session.scope)}`).rows[0]?.[0] ?? null;
  }
  reply.done();
};

const declare: Perform = (work, tokens) => {
  for (const part of splitAtCommas(tokens.slice(1))) {
    const equals = part.findIndex((token) => isMark(token, '='));
    const type = part.slice(isWord(part[1], 'AS') ? 2 : 1, equals < 0 ? undefined : equals);
    const name = part[0]?.text.toLowerCase() ?? '';
    work.session.state.variables.set(name, { type: typeOf(type), value: null });
    if (equals >= 0) assign(work, [[part[0] as Token, part[equals] as Token, ...part.slice(equals + 1)]]);
  }
};

const set: Perform = (work, tokens) => {
  if (tokens[1]?.kind === 'variable') return assign(work, [tokens.slice(1)]);
  const known =
    /^(ANSI_|ARITHABORT|CONCAT_NULL|QUOTED_IDENTIFIER|TEXTSIZE|DATEFIRST|DATEFORMAT|LANGUAGE|NOCOUNT|XACT_ABORT|TRANSACTION|IMPLICIT_|CURSOR_|NUMERIC_|LOCK_TIMEOUT|DEADLOCK_)/;
  if (tokens[1]?.kind !== 'word' || !known.test(tokens[1].upper)) throw unexpected(tokens[1]);
  work.reply.done();
};

const begin: Perform = ({ session, reply }) => {
  if (!session.state.isInTransaction) session.sqlite.exec('BEGIN');
  session.state.isInTransaction = true;
  session.state.transaction += 1n;
  reply.transactionChanged(8, session.state.transaction);
  reply.done();
};

const endTransaction =
  (kind: 'COMMIT' | 'ROLLBACK'): Perform =>
  async (work) => {
    const { session, reply } = work;
    if (!session.state.isInTransaction) throw failure(message(kind === 'COMMIT' ? 3902 : 3903));
    await whenFree(work, () => session.sqlite.exec(kind));
    session.state.isInTransaction = false;
    reply.transactionChanged(kind === 'COMMIT' ? 9 : 10, session.state.transaction);
    reply.done();
  };

const waitFor: Perform = async ({ reply, signal }, tokens) => {
  const match = /^(\d\d):(\d\d):(\d\d(?:\.\d+)?)$/.exec(tokens[2]?.text ?? '');
  if (!isWord(tokens[1], 'DELAY') || match === null) throw unexpected(tokens[1]);
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  await sleep(seconds * 1000, undefined, { signal });
  reply.done();
};

/** RAISERROR ('text', severity, state) and PRINT 'text'; no formatting. */
const raise: Perform = ({ reply }, tokens) => {
  const parts = splitAtCommas(tokens.slice(2, closing(tokens, 1)));
  const raised = {
    number: 50000,
    severity: Number(parts[1]?.[0]?.text ?? 16),
    state: Number(parts[2]?.[0]?.text ?? 1),
    text: parts[0]?.[0]?.text ?? '',
  };
  if (raised.severity > 10) throw failure(raised);
  reply.message(raised);
  reply.done();
};

const STATEMENTS: Record<string, Perform> = {
  DECLARE: declare,
  SET: set,
  BEGIN: begin,
  COMMIT: endTransaction('COMMIT'),
  ROLLBACK: endTransaction('ROLLBACK'),
  WAITFOR: waitFor,
  RAISERROR: raise,
  PRINT: ({ reply }, tokens) => {
    reply.message({ number: 0, severity: 0, state: 1, text: tokens[1]?.text ?? '' });
    reply.done();
  },
  BACKUP: performBackup,
  RESTORE: performRestore,
};
