/**
 * One T-SQL statement to SQLite: SELECT, INSERT, UPDATE, DELETE, and the definition of tables and indexes.
 *
 * Works on tokens. Words that are neither known keywords nor known functions become quoted names, so SQLite's own
 * extensions (LIMIT, PRAGMA, REPLACE INTO …) fail as they would in SQL Server. Execution is in `../statements.ts`.
 */
import { failure, message } from '../messages.ts';
import { parseType } from '../tds/types.ts';
import type { SqlType } from '../tds/types.ts';
import { BUILT_INS, castTo } from './functions.ts';
import { closing, isMark, isWord, splitAtCommas, tokenize, unexpected } from './lexer.ts';
import type { Token } from './lexer.ts';

/** What the translator asks of the session. */
export type Scope = {
  /** The SQLite name of a table or catalog view. @throws 208, 911 */
  table(parts: string[]): string;
  /** Declared type of a variable or parameter. @throws 137 */
  variable(name: string): SqlType;
};

const KEYWORDS = new Set(
  `ALL AND ANY AS ASC BETWEEN BY CASE CROSS DEFAULT DELETE DESC DISTINCT ELSE END ESCAPE EXCEPT EXISTS FROM FULL GROUP
  HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE NOT NULL ON OR ORDER OUTER OVER PARTITION RIGHT SELECT SET
  THEN UNION UPDATE VALUES WHEN WHERE WITH`.split(/\s+/),
);

const CASTS = new Set(['CAST', 'TRY_CAST', 'CONVERT', 'TRY_CONVERT']);

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Reads `a`, `a.b`, `a..b`, `a.b.c` from `at`, up to the point of `a.*`; the missing part of `a..b` is empty. */
export const readName = (tokens: readonly Token[], at: number): { parts: string[]; next: number } => {
  const parts: string[] = [];
  let next = at;
  for (;;) {
    const token = tokens[next];
    if (token?.kind === 'word' || token?.kind === 'name') {
      parts.push(token.text);
      next += 1;
    } else if (parts.length > 0 && isMark(token, '.')) parts.push('');
    else throw unexpected(token);
    if (!isMark(tokens[next], '.') || isMark(tokens[next + 1], '*')) return { parts, next };
    next += 1;
  }
};

type Rewriting = { tokens: readonly Token[]; at: number; out: string[]; limit: string | null; isTable: boolean };

const TABLE_FOLLOWS = ['FROM', 'JOIN', 'INTO', 'UPDATE'];
const TABLE_LIST_ENDS = [
  'WHERE',
  'ON',
  'SET',
  'GROUP',
  'ORDER',
  'HAVING',
  'SELECT',
  'VALUES',
  'UNION',
  'EXCEPT',
  'INTERSECT',
];

/** A whole query as SQLite text; the names that its WITH defines stand for themselves. */
export const rewriteQuery = (given: readonly Token[], scope: Scope): string => {
  const tokens = withoutApply(given);
  const named = new Set(isWord(tokens[0], 'WITH') ? namesOfWith(tokens) : []);
  const isNamed = ([name = '', ...rest]: string[]): boolean => rest.length === 0 && named.has(name.toLowerCase());
  const table = (parts: string[]): string => (isNamed(parts) ? quoted(parts[0] ?? '') : scope.table(parts));
  return rewrite(tokens, { ...scope, table });
};

/** The one table function that is served: `CROSS APPLY sys.dm_os_volume_stats(a, b) v` as the join that it is. */
const withoutApply = (tokens: readonly Token[]): readonly Token[] => {
  const at = tokens.findIndex((token, i) => isWord(token, 'CROSS') && isWord(tokens[i + 1], 'APPLY'));
  if (at < 0) return tokens;
  const { parts, next } = readName(tokens, at + 2);
  if (parts.join('.').toLowerCase() !== 'sys.dm_os_volume_stats') throw failure(message(40517, 'APPLY'));
  const end = closing(tokens, next);
  const alias = tokens[end + 1];
  const [database, file] = splitAtCommas(tokens.slice(next + 1, end));
  if (alias === undefined || file === undefined) throw unexpected(alias);
  const join = tokenize(`JOIN sys.dm_os_volume_stats ${alias.text} ON ${alias.text}.database_id = `);
  const and = tokenize(`AND ${alias.text}.file_id = `);
  return [...tokens.slice(0, at), ...join, ...(database ?? []), ...and, ...file, ...tokens.slice(end + 2)];
};

/** `WITH a AS (…), b (x, y) AS (…)` defines a and b. */
const namesOfWith = (tokens: readonly Token[]): string[] => {
  const names: string[] = [];
  let at = 0;
  do {
    const hasColumns = isMark(tokens[at + 2], '(');
    const as = hasColumns ? closing(tokens, at + 2) + 1 : at + 2;
    if (!isWord(tokens[as], 'AS') || !isMark(tokens[as + 1], '(')) throw unexpected(tokens[as]);
    names.push(tokens[at + 1]?.text.toLowerCase() ?? '');
    at = closing(tokens, as + 1) + 1;
  } while (isMark(tokens[at], ','));
  return names;
};

/** T-SQL expression or query tokens as SQLite text. */
export const rewrite = (tokens: readonly Token[], scope: Scope): string => {
  const state: Rewriting = { tokens, at: 0, out: [], limit: null, isTable: false };
  let isInFrom = false;
  while (state.at < tokens.length) {
    const token = tokens[state.at] as Token;
    if (isWord(token, ...TABLE_FOLLOWS)) isInFrom = state.isTable = true;
    else if (isWord(token, ...TABLE_LIST_ENDS)) isInFrom = false;
    else if (isInFrom && isMark(token, ',')) state.isTable = true;
    else if (state.isTable) {
      rewriteTable(state, scope);
      continue;
    }
    rewriteOne(state, scope);
  }
  return [...state.out, ...(state.limit === null ? [] : [state.limit])].join(' ');
};

const rewriteTable = (state: Rewriting, scope: Scope): void => {
  state.isTable = false;
  if (isMark(state.tokens[state.at], '(')) return rewriteOne(state, scope);
  const { parts, next } = readName(state.tokens, state.at);
  state.out.push(scope.table(parts));
  state.at = next;
};

const rewriteOne = (state: Rewriting, scope: Scope): void => {
  const { tokens, at, out } = state;
  const token = tokens[at] as Token;
  state.at += 1;
  switch (token.kind) {
    case 'string':
      return void out.push(textLiteral(token.text));
    case 'hex':
      return void out.push(`x'${token.text.length % 2 === 1 ? '0' : ''}${token.text}'`);
    case 'number':
      return void out.push(token.text);
    case 'variable':
      scope.variable(token.text.toLowerCase());
      return void out.push(bindingOf(token.text));
    case 'mark':
      return rewriteMark(state, scope);
    case 'name':
      state.at = at;
      return rewriteColumn(state);
    case 'word':
      return rewriteWord(state, { word: token.upper, scope });
  }
};

/** SQLite reads `@@SPID` as a parameter with a strange name; `@` names are lowered since T-SQL ignores case. */
export const bindingOf = (variable: string): string =>
  `@${variable.toLowerCase().replace('@@', 'global_').replace('@', '')}`;

const rewriteMark = (state: Rewriting, scope: Scope): void => {
  const { tokens, out } = state;
  const at = state.at - 1;
  const token = tokens[at] as Token;
  if (token.text === '(') {
    const end = closing(tokens, at);
    out.push('(', rewrite(tokens.slice(at + 1, end), scope), ')');
    state.at = end + 1;
  } else if (token.text === '+' && (isTextual(tokens[at - 1], scope) || isTextual(tokens[at + 1], scope)))
    out.push('||');
  else out.push(token.text);
};

const isTextual = (token: Token | undefined, scope: Scope): boolean =>
  token?.kind === 'string' ||
  (token?.kind === 'variable' && scope.variable(token.text.toLowerCase()).name.endsWith('char'));

const rewriteColumn = (state: Rewriting): void => {
  const { parts, next } = readName(state.tokens, state.at);
  const isAll = isMark(state.tokens[next], '.');
  state.at = isAll ? next + 2 : next;
  state.out.push(`${parts.slice(-2).map(quoted).join('.')}${isAll ? '.*' : ''}`);
};

const rewriteWord = (state: Rewriting, { word, scope }: { word: string; scope: Scope }): void => {
  const { tokens, out } = state;
  const at = state.at - 1;
  if (word === 'SELECT') return rewriteSelectHead(state, scope);
  if (word === 'OFFSET' && !isMark(tokens[at + 1], ',')) return rewriteOffset(state, scope);
  if (word === 'WITH' && isMark(tokens[at + 1], '(')) {
    state.at = closing(tokens, at + 1) + 1;
    return;
  }
  const isCall = isMark(tokens[at + 1], '(');
  if (isCall && (word in BUILT_INS || CASTS.has(word))) return rewriteCall(state, { word, scope });
  if (word === 'CURRENT_TIMESTAMP') return void out.push('tsql_now()');
  if (KEYWORDS.has(word)) return void out.push(word);
  if (isCall && !isAfterInsertTable(tokens, at)) throw failure(message(195, word.toLowerCase()));
  state.at = at;
  rewriteColumn(state);
};

/** In `INSERT t (a, b)` and `WITH cte (a, b)` a name stands before a parenthesis without being a function. */
const isAfterInsertTable = (tokens: readonly Token[], at: number): boolean =>
  isWord(tokens[at - 1], 'INTO', 'INSERT', 'WITH') || isMark(tokens[at - 1], '.');

const rewriteSelectHead = (state: Rewriting, scope: Scope): void => {
  const { tokens, out } = state;
  out.push('SELECT');
  if (isWord(tokens[state.at], 'DISTINCT', 'ALL')) {
    out.push((tokens[state.at] as Token).text);
    state.at += 1;
  }
  if (!isWord(tokens[state.at], 'TOP')) return;
  if (state.limit !== null || tokens.some((token) => isWord(token, 'UNION', 'EXCEPT', 'INTERSECT')))
    throw failure(message(40517, 'TOP in UNION'));
  const start = state.at + 1;
  const isGrouped = isMark(tokens[start], '(');
  const end = isGrouped ? closing(tokens, start) + 1 : start + 1;
  if (isWord(tokens[end], 'PERCENT', 'WITH')) throw unexpected(tokens[end]);
  state.limit = `LIMIT ${rewrite(tokens.slice(start, end), scope)}`;
  state.at = end;
};

const rewriteOffset = (state: Rewriting, scope: Scope): void => {
  const { tokens } = state;
  const isRows = (token: Token): boolean => isWord(token, 'ROW', 'ROWS');
  if (state.limit !== null) throw unexpected(tokens[state.at - 1]);
  const rows = tokens.findIndex((token, i) => i >= state.at && isRows(token));
  if (rows < 0) throw unexpected(tokens[state.at - 1]);
  const offset = rewrite(tokens.slice(state.at, rows), scope);
  state.at = rows + 1;
  let count = '-1';
  if (isWord(tokens[state.at], 'FETCH')) {
    const end = tokens.findIndex((token, i) => i > state.at + 1 && isRows(token));
    if (!isWord(tokens[state.at + 1], 'NEXT', 'FIRST') || !isWord(tokens[end + 1], 'ONLY'))
      throw unexpected(tokens[state.at]);
    count = rewrite(tokens.slice(state.at + 2, end), scope);
    state.at = end + 2;
  }
  state.limit = `LIMIT ${count} OFFSET ${offset}`;
};

const rewriteCall = (state: Rewriting, { word, scope }: { word: string; scope: Scope }): void => {
  const { tokens, out } = state;
  const end = closing(tokens, state.at);
  const inner = tokens.slice(state.at + 1, end);
  state.at = end + 1;
  const cast = castParts(word, inner);
  if (cast !== null) return void out.push(castTo(rewrite(cast.value, scope), cast.type));
  const builtIn = BUILT_INS[word];
  if (builtIn === undefined) throw failure(message(195, word.toLowerCase()));
  const args = isMark(inner[0], '*') ? ['*'] : splitAtCommas(inner).map((part) => rewrite(part, scope));
  out.push(builtIn.build(args));
};

/** Value and type of `CAST(x AS t)` and `CONVERT(t, x)`. */
const castParts = (word: string, inner: readonly Token[]): { value: readonly Token[]; type: SqlType } | null => {
  if (word.endsWith('CAST')) {
    const as = inner.findLastIndex((token) => isWord(token, 'AS'));
    return { value: inner.slice(0, as), type: typeOf(inner.slice(as + 1)) };
  }
  if (!word.endsWith('CONVERT')) return null;
  const [type, value] = splitAtCommas(inner);
  return { value: value ?? [], type: typeOf(type ?? []) };
};

/** @throws 102 when the tokens name no type that is served */
export const typeOf = (tokens: readonly Token[]): SqlType => {
  const type = parseType(tokens.map((token) => token.text).join(''));
  if (type === null) throw unexpected(tokens[0]);
  return type;
};

/**
 * Types of a query's result columns, where the text tells them: a built-in function, CAST or CONVERT, a variable.
 * SQLite knows the declared type only of plain columns.
 */
export const resultTypes = (tokens: readonly Token[], scope: Scope): (SqlType | null)[] => {
  let depth = 0;
  const select = tokens.findIndex((token) => {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    return depth === 0 && isWord(token, 'SELECT');
  });
  if (select < 0) return [];
  const rest = tokens.slice(select + 1);
  const end = rest.findIndex((token) => {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    return depth === 0 && isWord(token, 'FROM', 'WHERE', 'UNION', 'ORDER');
  });
  return splitAtCommas(end < 0 ? rest : rest.slice(0, end)).map((item) => typeOfItem(item, scope));
};

const typeOfItem = (item: readonly Token[], scope: Scope): SqlType | null => {
  const start = isWord(item[0], 'DISTINCT', 'ALL') ? 1 : 0;
  const first = item[start];
  const isAliased = (at: number): boolean => at >= item.length || isWord(item[at], 'AS') || at === item.length - 1;
  if (first?.kind === 'variable') return isAliased(start + 1) ? scope.variable(first.text.toLowerCase()) : null;
  if (first?.kind !== 'word' || !isMark(item[start + 1], '(')) return null;
  const end = closing(item, start + 1);
  if (!isAliased(end + 1) && !isWord(item[end + 1], 'OVER')) return null;
  return castParts(first.upper, item.slice(start + 2, end))?.type ?? BUILT_INS[first.upper]?.type ?? null;
};
