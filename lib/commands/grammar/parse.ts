/**
 * Text as people type it -> a command and its arguments, or an error that repeats what was typed.
 *
 * Phones turn quotes and dashes into typographic ones; both are accepted. Options stand anywhere, in any order. Mentions of
 * people, groups and channels are taken as their ids. Nothing is ever guessed: an unknown verb starts nothing and names the
 * nearest one.
 */
import { OctoError } from '../../domain/errors.ts';
import type { Arguments, Declaration } from './command.ts';

/** @throws CommandUnknown, ArgumentInvalid */
export const parse = <C extends Declaration>(text: string, table: readonly C[]): { command: C; args: Arguments } => {
  const tokens = tokenize(text);
  const command = table
    .filter(({ words }) => words.every((word, at) => tokens[at]?.toLowerCase() === word))
    .filter(({ mark }) => mark === undefined || tokens.some((token) => token.toLowerCase() === mark))
    .toSorted((a, b) => b.words.length - a.words.length || (b.mark?.length ?? 0) - (a.mark?.length ?? 0))[0];
  if (command === undefined) throw unknown(text, tokens, table);
  return { command, args: argumentsOf(command, tokens.slice(command.words.length)) };
};

/** So many options stand in a usage line; of more the first ones do, and `help` with the verb lists each. */
const OPTIONS_SHOWN = 4;
const OPTIONS_NAMED = 2;

/** `backup now [instance]`, from the declaration: all but what may be left out by its name. */
export const usageInShort = ({ words, mark = '', positionals }: Declaration): string =>
  [
    ...words,
    ...positionals.map(({ name, isOptional, isWord }) =>
      isWord === true && isOptional !== true ? name : isOptional === true ? `[${name}]` : `<${name}>`,
    ),
    ...(mark === '' ? [] : [mark]),
  ].join(' ');

/** `backup now [instance] [reason:…]`, from the declaration. */
export const usage = (declaration: Declaration): string => {
  const { mark = '', options: all } = declaration;
  const options = Object.fromEntries(Object.entries(all).filter(([name]) => !mark.startsWith(`${name}:`)));
  return [
    usageInShort(declaration),
    ...(Object.keys(options).length > OPTIONS_SHOWN
      ? [
          `[${Object.entries(options)
            .slice(0, OPTIONS_NAMED)
            .map(([name, { values }]) => `${name}:${values?.[0] ?? '…'}`)
            .join('|')}|…]`,
        ]
      : Object.entries(options).map(([name, { values, isFlag }]) =>
          isFlag === true ? `[--${name}]` : `[${name}:${values?.join('|') ?? '…'}]`,
        )),
  ].join(' ');
};

/** `<@U123|ana>`, `<#C123|general>`, `<!subteam^S123|@ops>`. @see https://docs.slack.dev/messaging/formatting-message-text */
const MENTION = /<(?:@|#|!subteam\^)([A-Z0-9]+)(?:\|[^<>]*)?>/g;

const tokenize = (text: string): string[] => {
  const plain = text
    .replaceAll(MENTION, '$1')
    .replaceAll(/[“”„«»]/g, '"')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/^[–—]|(?<=\s)[–—]/g, '--');
  return [...plain.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([token]) => token.replaceAll('"', ''));
};

const argumentsOf = (command: Declaration, tokens: string[]): Arguments => {
  const positionals: Record<string, string> = {};
  const options: Record<string, string> = {};
  const expected = [...command.positionals];
  for (const token of tokens) {
    const option = optionOf(command, token);
    if (option !== null) {
      options[option.name] = option.value;
      continue;
    }
    const next = expected.shift();
    if (next === undefined) throw invalid(command, `"${token}" is one word too many`);
    if (next.isWord !== true) positionals[next.name] = token;
    else if (token.toLowerCase() !== next.name)
      throw invalid(command, `"${next.name}" belongs where "${token}" stands`);
  }
  const missing = expected.find(({ isOptional }) => isOptional !== true);
  if (missing !== undefined) throw invalid(command, `<${missing.name}> is missing: ${missing.summary}`);
  return { positionals, options };
};

const optionOf = (command: Declaration, token: string): { name: string; value: string } | null => {
  const [, name, value] = /^(?:--)?([a-z][a-z-]*)[:=](.*)$/is.exec(token) ?? /^--([a-z][a-z-]*)()$/i.exec(token) ?? [];
  if (name === undefined || value === undefined) return null;
  const known = command.options[name.toLowerCase()];
  if (known === undefined) throw invalid(command, `there is no option "${name}"`);
  if (known.isFlag === true && value !== '') throw invalid(command, `--${name} takes no value`);
  if (known.isFlag !== true && value === '') throw invalid(command, `${name} needs a value, as in ${name}:…`);
  if (known.values !== undefined && !known.values.includes(value)) {
    throw invalid(command, `${name} is one of ${known.values.join(', ')}, not "${value}"`);
  }
  return { name: name.toLowerCase(), value };
};

const invalid = (command: Declaration, what: string): OctoError =>
  new OctoError('ArgumentInvalid', `${what}. Usage: /octo ${usage(command)}. Example: ${command.example}`);

const unknown = (text: string, tokens: string[], table: readonly Declaration[]): OctoError => {
  const nearest = nearestTo(tokens.slice(0, 2).join(' ').toLowerCase(), table);
  const hint = nearest === undefined ? '' : `; the nearest is "${nearest.words.join(' ')}", e.g. ${nearest.example}`;
  return new OctoError('CommandUnknown', `there is no command "${text.trim()}"${hint}`);
};

/** The verb that was most likely meant, also by one word of it alone. */
export const nearestTo = <D extends Declaration>(typed: string, table: readonly D[]): D | undefined => {
  const [first = ''] = typed.split(' ');
  const far = ({ words }: D): number =>
    Math.min(
      distance(typed, words.join(' ')),
      ...[words[0], words.at(-1)].map((word = '') => 1 + distance(first, word) + (typed.length - first.length)),
    );
  return table.toSorted((a, b) => far(a) - far(b))[0];
};

/** Levenshtein's edit distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
