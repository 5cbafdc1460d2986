/** What is said when the verification by schedule finds damage: what, which archives need it, and what to do. */
import type { ChatMessage } from '../ports/chat.ts';
import { mentions } from './mentions.ts';
import { count, escape, escapeAndCut, oneLine } from './text.ts';

export type DamageFacts = {
  instance: string;
  found: readonly { key: string; what: string; archives: readonly string[] }[];
  /** Ids of those who are told. */
  tell: readonly string[];
};

const LISTED_AT_MOST = 5;

/** The alarm. */
export const damageMessage = ({ instance, found, tell }: DamageFacts): ChatMessage => {
  const archives = [...new Set(found.flatMap((one) => one.archives))];
  const needed = archives.length === 0 ? 'no archive needs it' : `${count(archives.length, 'archive')} no longer good`;
  const text = `Damage found in the stored archives of ${escape(instance)}: ${count(found.length, 'object')}, ${needed}.`;
  const left = found.length - LISTED_AT_MOST;
  const lines = [
    ...found
      .slice(0, LISTED_AT_MOST)
      .map(({ key, what }) => `• \`${escape(key)}\`: ${escapeAndCut(oneLine(what), 200)}`),
    ...(left > 0 ? [`… and ${left} more`] : []),
    ...(archives.length === 0
      ? []
      : [`Needed by ${archives.slice(0, LISTED_AT_MOST).join(', ')}${archives.length > LISTED_AT_MOST ? ' …' : ''}`]),
    `*Do next:* \`/octo backup now ${escape(instance)}\` stores what is damaged anew. Then find out what happened to the store.`,
    ...(tell.length === 0 ? [] : [mentions(tell)]),
  ];
  return {
    text: [text, mentions(tell)].join(' ').trim(),
    blocks: [
      section(`🔴 *Damage found* · ${escape(instance)} · ${count(found.length, 'object')}, ${needed}`),
      section(lines.join('\n')),
    ],
  };
};

const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } });
