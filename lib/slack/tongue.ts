/** The two tongues the same words are said in: Slack's markup with the reader's own times, and a terminal's plain lines. */
import { cut, escape, escapeAndCut, localTime, oneLine, utcTime } from './text.ts';

/** How one side shows what is not our own wording. */
export type Tongue = {
  /** Text that people or programs wrote, at most `most` characters of it. */
  quote(text: string, most: number): string;
  time(iso: string): string;
  strong(text: string): string;
};

/** How Slack is spoken to: escaped, with the reader's own times. */
export const slackTongue: Tongue = {
  quote: (text, most) => escapeAndCut(oneLine(text), most),
  time: localTime,
  strong: (text) => `*${escape(text)}*`,
};

/** How a terminal is spoken to: nothing that moves its cursor. */
export const terminalTongue: Tongue = {
  quote: (text, most) => cut(oneLine(text), most),
  time: utcTime,
  strong: (text) => text,
};
