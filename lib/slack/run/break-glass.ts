/** The message that tells a whole channel that somebody let a run through alone, for as long as nobody else has looked at it. */
import type { KnownBlock } from '@slack/types';
import type { Closure, Decision } from '../../domain/runs/approval.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { ChatMessage } from '../../ports/chat.ts';
import { COMMAND_ACTION } from '../receive.ts';
import { escape, localTime } from '../text.ts';
import { slackTongue } from '../tongue.ts';

type BreakGlass = { decision: Decision; closure: Closure | null };

const quote = (text: string, most: number): string => slackTongue.quote(text, most);

/** Open it calls the channel and has a button to close it; closed it says who looked at it, and what they found. */
export const breakGlassMessage = (run: RunRecord, { decision, closure }: BreakGlass): ChatMessage => {
  const who = decision.persons.map((person) => quote(person, 80)).join(', ');
  const what = `${who} let the ${run.workflow} of ${escape(run.instance)} through alone`;
  const why = `"${quote(decision.reason ?? '', 400)}" · ${localTime(decision.at)} · \`${run.id}\``;
  if (closure !== null) {
    const closed = `Looked at by ${quote(closure.person, 80)}, ${localTime(closure.at)}: "${quote(closure.reason, 400)}"`;
    return {
      text: `Break-glass closed: ${what}; ${quote(closure.person, 80)} has looked at it.`,
      blocks: [section(`☑️ *Break-glass, closed* · ${what}\n${why}\n${closed}`)],
    };
  }
  return {
    text: `<!channel> Break-glass: ${what}.`,
    blocks: [
      section(`🚨 *Break-glass* · ${what} <!channel>\n${why}`),
      section('Open until somebody else has looked at it and says what they found.'),
      buttons(run.id),
    ],
  };
};

const buttons = (runId: string): KnownBlock => ({
  type: 'actions',
  elements: [
    {
      type: 'button',
      text: { type: 'plain_text', text: 'I have looked at it' },
      action_id: `${COMMAND_ACTION}close`,
      value: `approve ${runId}`,
      style: 'primary',
    },
    {
      type: 'button',
      text: { type: 'plain_text', text: 'Details' },
      action_id: `${COMMAND_ACTION}run`,
      value: `run ${runId}`,
    },
  ],
});

const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
