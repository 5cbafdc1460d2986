/**
 * A batch to its statements: at semicolons, and where a word that starts a statement cannot continue the one before.
 *
 * T-SQL needs no semicolons, so the second rule looks at what came before in the same statement.
 */
import { isMark, isWord } from './lexer.ts';
import type { Token } from './lexer.ts';

const STARTERS =
  `SELECT INSERT UPDATE DELETE CREATE DROP ALTER TRUNCATE MERGE BACKUP RESTORE DECLARE SET EXEC EXECUTE IF ELSE
  BEGIN END COMMIT ROLLBACK USE KILL PRINT RAISERROR THROW WAITFOR DBCC SAVE WHILE GRANT REVOKE DENY RECONFIGURE
  RETURN`.split(/\s+/);

/** Words that may stand inside a statement although they can also start one. */
const continues = (statement: readonly Token[], next: Token): boolean => {
  const before = statement.at(-1);
  const first = statement[0];
  if (isWord(next, 'SELECT')) {
    if (isWord(before, 'UNION', 'ALL', 'EXCEPT', 'INTERSECT')) return true;
    if (isWord(first, 'WITH')) return !hasTopLevel(statement, 'SELECT', 'INSERT', 'UPDATE', 'DELETE');
    return isWord(first, 'INSERT') && !hasTopLevel(statement, 'SELECT', 'VALUES', 'DEFAULT');
  }
  if (isWord(next, 'SET')) return isWord(first, 'UPDATE', 'ALTER') && !hasTopLevel(statement, 'SET');
  if (isWord(next, 'UPDATE', 'DELETE')) return isWord(before, 'ON') || isWord(first, 'WITH');
  if (isWord(next, 'INSERT')) return isWord(first, 'WITH');
  if (isWord(next, 'END', 'ELSE')) return depthOfCase(statement) > 0;
  if (isWord(next, 'IF')) return isWord(before, 'TABLE', 'DATABASE', 'INDEX', 'USER', 'LOGIN', 'VIEW');
  if (isWord(next, 'DROP', 'ALTER')) return isWord(first, 'ALTER');
  return isWord(next, 'ROLLBACK') && isWord(before, 'WITH');
};

const hasTopLevel = (statement: readonly Token[], ...words: string[]): boolean => {
  let depth = 0;
  return statement.some((token) => {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    return depth === 0 && isWord(token, ...words);
  });
};

const depthOfCase = (statement: readonly Token[]): number =>
  statement.filter((token) => isWord(token, 'CASE')).length - statement.filter((token) => isWord(token, 'END')).length;

/** The statements of a batch, each without its semicolon. `BEGIN`, `END` and `ELSE` stand alone. */
export const splitStatements = (tokens: readonly Token[]): Token[][] => {
  const statements: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  const close = (): void => {
    if (current.length > 0) statements.push(current);
    current = [];
  };
  for (const [i, token] of tokens.entries()) {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    if (isMark(token, ';')) close();
    else {
      if (depth === 0 && current.length > 0 && isWord(token, ...STARTERS) && !continues(current, token)) close();
      current.push(token);
      const isBlockMark =
        isWord(token, 'ELSE', 'END') || (isWord(token, 'BEGIN') && !isWord(tokens[i + 1], 'TRAN', 'TRANSACTION'));
      if (isBlockMark && current.length === 1) close();
    }
  }
  close();
  return statements;
};
