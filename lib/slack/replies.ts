/**
 * Answers to commands as Slack messages: what a command found, and what went wrong.
 *
 * What people or programs wrote is shown in plain text, where nothing is markup and no mention fires.
 */
import type { KnownBlock } from '@slack/types';
import type { OctoError } from '../domain/errors.ts';
import type { Reply } from '../domain/reply.ts';
import type { ChatMessage } from '../ports/chat.ts';
import { count, cut, escape, escapeAndCut, oneLine } from './text.ts';

/** How people, and programs that only read the channel, tell bad news at the first glance. */
const BAD_NEWS = '🔴';
const HEADLINE_CHARACTERS = 600;
const TABLE_CHARACTERS = 2_900;
/** Within what Slack takes of all blocks together. */
const TABLES_AT_MOST = 3;
const MESSAGE_CHARACTERS = 1_200;

/** A command's answer: its sentence, marked where it is bad news, and its lines in fixed width. Lines that do not fit are counted. */
export const replyMessage = ({ headline, lines, isBad }: Pick<Reply, 'headline' | 'lines' | 'isBad'>): ChatMessage => {
  const text = `${isBad === true ? `${BAD_NEWS} ` : ''}${escapeAndCut(oneLine(headline), HEADLINE_CHARACTERS)}`;
  const isBlank = lines.every((line) => line.trim() === '');
  return { text, blocks: [section(text), ...(isBlank ? [] : tablesOf(lines).map(table))] };
};

/** True of every command: commands read, or ask for a run; only the steps of a run touch a server. */
const SAFE_AFTER_COMMAND = 'this command touched no server; `/octo runs` lists what is at work.';

/** A refusal or failure: what happened (with its code), what is safe now, what to do next. */
export const errorReply = (error: OctoError): ChatMessage => {
  const what = escapeAndCut(sentence(oneLine(error.message)), MESSAGE_CHARACTERS);
  return {
    text: `${what} ${escape(error.advice)}`,
    blocks: [
      section(`${BAD_NEWS} *${what}*`),
      section(`*Safe now:* ${SAFE_AFTER_COMMAND}\n*Do next:* ${escape(error.advice)}`),
      { type: 'context', elements: [{ type: 'mrkdwn', text: `Code \`${error.code}\`` }] },
    ],
  };
};

const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });

/** Preformatted rich text: the one fixed-width form in which no character has a meaning. */
const table = (lines: string[]): KnownBlock => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: lines.join('\n') }] }],
});

/** The lines in tables of a size that Slack takes; those that do not fit any more are counted in the last. */
const tablesOf = (lines: readonly string[]): string[][] => {
  const tables: string[][] = [[]];
  let length = 0;
  for (const [at, line] of lines.entries()) {
    const shown = cut(line, 500);
    if (length + shown.length + 1 > TABLE_CHARACTERS) {
      if (tables.length === TABLES_AT_MOST) {
        tables.at(-1)?.push(`… ${count(lines.length - at, 'more line')}`);
        break;
      }
      tables.push([]);
      length = 0;
    }
    tables.at(-1)?.push(shown);
    length += shown.length + 1;
  }
  return tables;
};

const sentence = (text: string): string => {
  // An id stays as it is: it is there to be pasted.
  const capital = /^\w+_/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
};
