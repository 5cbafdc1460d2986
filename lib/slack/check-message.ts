/** The test message of `check`: its button proves the way from Slack back to the bot, and it is marked when that was done. */
import type { ChatMessage } from '../ports/chat.ts';
import { COMMAND_ACTION } from './receive.ts';
import { duration, escapeAndCut, oneLine } from './text.ts';

/** Asks for a click. */
export const testMessage = (id: string, askedBy: string): ChatMessage => {
  const text = `🔧 Test: ${name(askedBy)} asked octo to check itself. Click once, so that the way from Slack back to octo is proven.`;
  return {
    text,
    blocks: [
      section(text),
      {
        type: 'actions',
        elements: [
          {
            type: 'button',
            text: { type: 'plain_text', text: 'It works' },
            action_id: `${COMMAND_ACTION}check-clicked`,
            value: `check clicked ${id}`,
          },
        ],
      },
    ],
  };
};

/** The message once it was clicked. */
export const provenMessage = (clickedBy: string, seconds: number): ChatMessage =>
  plain(`✅ Test: the way from Slack to octo and back works; ${name(clickedBy)} clicked after ${duration(seconds)}.`);

/** The message of a test that nobody clicked, once there is a newer one. */
export const supersededMessage = (): ChatMessage => plain('🔧 Test: nobody clicked; a newer test message follows.');

const plain = (text: string): ChatMessage => ({ text, blocks: [section(text)] });
const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } });
const name = (person: string): string => escapeAndCut(oneLine(person), 80);
