/** CREATE TABLE, CREATE INDEX, ALTER TABLE ADD, DROP and TRUNCATE TABLE as SQLite statements. */
import { failure, message } from '../messages.ts';
import { isText, typeText } from '../tds/types.ts';
import { closing, isMark, isWord, splitAtCommas, unexpected } from './lexer.ts';
import type { Token } from './lexer.ts';
import { quoted, readName, rewrite, typeOf } from './translate.ts';
import type { Scope } from './translate.ts';

/** Where a new object goes. */
export type DefineScope = Scope & { newTable(parts: string[]): { schema: string; table: string } };

const columnList = (tokens: readonly Token[]): string =>
  `(${splitAtCommas(tokens)
    .map((part) => `${quoted(part[0]?.text ?? '')}${isWord(part[1], 'DESC') ? ' DESC' : ''}`)
    .join(', ')})`;

/** Drops what SQLite has no word for: clustering, fill factors, file groups. */
const tableConstraint = (tokens: readonly Token[], scope: DefineScope): string => {
  const out: string[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    if (isWord(token, 'CLUSTERED', 'NONCLUSTERED')) continue;
    if (isWord(token, 'WITH')) break;
    if (isWord(token, 'REFERENCES')) {
      const { parts, next } = readName(tokens, i + 1);
      out.push('REFERENCES', quoted(parts.at(-1) ?? ''));
      i = next - 1;
    } else if (isMark(token, '(')) {
      const end = closing(tokens, i);
      const inner = tokens.slice(i + 1, end);
      out.push(isWord(tokens[i - 1], 'CHECK') ? `(${rewrite(inner, scope)})` : columnList(inner));
      i = end;
    } else
      out.push(
        token.kind === 'word' &&
          /^(CONSTRAINT|PRIMARY|KEY|UNIQUE|FOREIGN|CHECK|ON|DELETE|UPDATE|CASCADE|SET|NULL|NO|ACTION)$/.test(
            token.upper,
          )
          ? token.upper
          : quoted(token.text),
      );
  }
  return out.join(' ');
};

const DONE_AFTER: Record<string, number> = { CLUSTERED: 1, NONCLUSTERED: 1, ROWGUIDCOL: 1, SPARSE: 1, ASC: 1 };

const columnOptions = (tokens: readonly Token[], scope: DefineScope): string => {
  const out: string[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    if (token.kind === 'word' && DONE_AFTER[token.upper] !== undefined) continue;
    if (isWord(token, 'COLLATE')) i += 1;
    else if (isWord(token, 'CONSTRAINT')) {
      out.push('CONSTRAINT', quoted(tokens[i + 1]?.text ?? ''));
      i += 1;
    } else if (isWord(token, 'DEFAULT')) {
      const end = isMark(tokens[i + 1], '(')
        ? closing(tokens, i + 1)
        : isMark(tokens[i + 2], '(')
          ? closing(tokens, i + 2)
          : i + 1;
      out.push(`DEFAULT (${rewrite(tokens.slice(i + 1, end + 1), scope)})`);
      i = end;
    } else if (isWord(token, 'NOT', 'NULL', 'PRIMARY', 'KEY', 'UNIQUE')) out.push((token as { upper: string }).upper);
    else throw unexpected(token);
  }
  return out.join(' ');
};

const columnDefinition = (tokens: readonly Token[], scope: DefineScope): string => {
  const name = tokens[0];
  if (name === undefined) throw unexpected(name);
  const typeEnd = isMark(tokens[2], '(') ? closing(tokens, 2) + 1 : 2;
  const type = typeOf(tokens.slice(1, typeEnd));
  const identity = tokens.findIndex((token, i) => i >= typeEnd && isWord(token, 'IDENTITY'));
  if (identity >= 0) {
    const end = isMark(tokens[identity + 1], '(') ? closing(tokens, identity + 1) + 1 : identity + 1;
    // SQLite numbers rows by itself only in a column whose type is exactly INTEGER.
    return `${quoted(name.text)} INTEGER ${columnOptions([...tokens.slice(typeEnd, identity), ...tokens.slice(end)], scope)}`;
  }
  const collation = isText(type) ? ' COLLATE NOCASE' : '';
  return `${quoted(name.text)} ${quoted(typeText(type))}${collation} ${columnOptions(tokens.slice(typeEnd), scope)}`;
};

const isConstraint = (tokens: readonly Token[]): boolean =>
  isWord(tokens[0], 'CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK');

const createTable = (tokens: readonly Token[], scope: DefineScope): string => {
  const { parts, next } = readName(tokens, 2);
  const { schema, table } = scope.newTable(parts);
  if (!isMark(tokens[next], '(')) throw unexpected(tokens[next]);
  const items = splitAtCommas(tokens.slice(next + 1, closing(tokens, next)));
  const lines = items.map((item) =>
    isConstraint(item) ? tableConstraint(item, scope) : columnDefinition(item, scope),
  );
  return `CREATE TABLE ${quoted(schema)}.${quoted(table)} (${lines.join(', ')})`;
};

const createIndex = (tokens: readonly Token[], scope: DefineScope): string => {
  const at = tokens.findIndex((token) => isWord(token, 'INDEX'));
  const on = at + 2;
  if (!isWord(tokens[on], 'ON')) throw unexpected(tokens[on]);
  const { parts, next } = readName(tokens, on + 1);
  const { schema, table } = scope.newTable(parts);
  scope.table(parts);
  if (!isMark(tokens[next], '(')) throw unexpected(tokens[next]);
  const unique = tokens.some((token, i) => i < at && isWord(token, 'UNIQUE')) ? 'UNIQUE ' : '';
  // Index names are unique per table in SQL Server, per database in SQLite.
  const name = `${quoted(schema)}.${quoted(`${table}.${tokens[at + 1]?.text ?? ''}`)}`;
  return `CREATE ${unique}INDEX ${name} ON ${quoted(table)} ${columnList(tokens.slice(next + 1, closing(tokens, next)))}`;
};

const alterTable = (tokens: readonly Token[], scope: DefineScope): string => {
  const { parts, next } = readName(tokens, 2);
  if (!isWord(tokens[next], 'ADD') || isConstraint(tokens.slice(next + 1)))
    throw failure(message(40517, 'ALTER TABLE'));
  return `ALTER TABLE ${scope.table(parts)} ADD COLUMN ${columnDefinition(tokens.slice(next + 1), scope)}`;
};

const dropTable = (tokens: readonly Token[], scope: DefineScope): string => {
  const isOptional = isWord(tokens[2], 'IF');
  const { parts } = readName(tokens, isOptional ? 4 : 2);
  const { schema, table } = scope.newTable(parts);
  return `DROP TABLE ${isOptional ? 'IF EXISTS ' : ''}${quoted(schema)}.${quoted(table)}`;
};

/** The SQLite text of a defining statement, or null when it is none. */
export const define = (tokens: readonly Token[], scope: DefineScope): string | null => {
  const [first, second] = tokens;
  if (isWord(first, 'CREATE') && isWord(second, 'TABLE')) return createTable(tokens, scope);
  if (isWord(first, 'CREATE') && isWord(second, 'INDEX', 'UNIQUE', 'NONCLUSTERED', 'CLUSTERED'))
    return createIndex(tokens, scope);
  if (isWord(first, 'ALTER') && isWord(second, 'TABLE')) return alterTable(tokens, scope);
  if (isWord(first, 'DROP') && isWord(second, 'TABLE')) return dropTable(tokens, scope);
  if (isWord(first, 'TRUNCATE')) return `DELETE FROM ${scope.table(readName(tokens, 2).parts)}`;
  return null;
};
