/** T-SQL text to tokens. Comments and white space are dropped; `[x]` and `"x"` become names, `N'x'` becomes a string. */
import { failure, message } from '../messages.ts';

export type Token =
  | { kind: 'word'; text: string; upper: string }
  | { kind: 'name'; text: string }
  | { kind: 'string'; text: string }
  | { kind: 'number'; text: string }
  | { kind: 'hex'; text: string }
  | { kind: 'variable'; text: string }
  | { kind: 'mark'; text: string };

const BLANK = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const PATTERNS: readonly [Token['kind'], RegExp][] = [
  ['string', /N?'((?:[^']|'')*)'/iy],
  ['name', /\[((?:[^\]]|\]\])*)\]/y],
  ['name', /"((?:[^"]|"")*)"/y],
  ['hex', /0x([0-9a-f]*)/iy],
  ['number', /(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)/iy],
  ['variable', /(@{1,2}[\p{L}_#$@\d]+)/uy],
  ['word', /([\p{L}_#][\p{L}_#$@\d]*)/uy],
  ['mark', /(::|<>|!=|<=|>=|\+=|-=|[-+*/%=<>(),.;&|^~])/y],
];

const toToken = (kind: Token['kind'], text: string, source: string): Token => {
  if (kind === 'word') return { kind, text, upper: text.toUpperCase() };
  if (kind === 'string') return { kind, text: text.replaceAll("''", "'") };
  if (kind === 'name')
    return { kind, text: source.startsWith('[') ? text.replaceAll(']]', ']') : text.replaceAll('""', '"') };
  return { kind, text };
};

/** @throws 105 for an open string, 102 for a character that T-SQL does not know */
export const tokenize = (sql: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    BLANK.lastIndex = at;
    if (BLANK.test(sql)) at = BLANK.lastIndex;
    if (at >= sql.length) break;
    let isFound = false;
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const match = pattern.exec(sql);
      if (match === null) continue;
      tokens.push(toToken(kind, match[1] ?? '', match[0]));
      at = pattern.lastIndex;
      isFound = true;
      break;
    }
    if (!isFound)
      throw failure(sql[at] === "'" ? message(105, sql.slice(at + 1, at + 30)) : message(102, sql[at] ?? ''));
  }
  return tokens;
};

export const isWord = (token: Token | undefined, ...words: string[]): boolean =>
  token?.kind === 'word' && words.includes(token.upper);

export const isMark = (token: Token | undefined, mark: string): boolean =>
  token?.kind === 'mark' && token.text === mark;

/** The index of the parenthesis that closes the one at `open`. @throws 102 */
export const closing = (tokens: readonly Token[], open: number): number => {
  let depth = 0;
  for (let i = open; i < tokens.length; i += 1) {
    if (isMark(tokens[i], '(')) depth += 1;
    if (isMark(tokens[i], ')')) depth -= 1;
    if (depth === 0) return i;
  }
  throw failure(message(102, '('));
};

/** Parts of a list, cut at the commas outside parentheses. */
export const splitAtCommas = (tokens: readonly Token[]): Token[][] => {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    if (depth === 0 && isMark(token, ',')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return tokens.length === 0 ? [] : parts;
};

export const unexpected = (token: Token | undefined): Error => failure(message(102, token?.text ?? 'end of statement'));
