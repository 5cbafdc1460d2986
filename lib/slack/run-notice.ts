/** The message that calls people to a run that did not end good; everything else is on the run's card. */
import type { RunRecord } from '../domain/run.ts';
import type { ChatMessage } from '../ports/chat.ts';
import { mentions } from './mentions.ts';
import { escape, escapeAndCut, oneLine } from './text.ts';

const ENDS = {
  good: '✅ ended good',
  gaps: '🟠 is complete with gaps and not used as latest good',
  suspicious: '🟡 is suspicious and held until a person accepts it',
  failed: '🔴 failed',
  refused: '⛔ was refused',
} as const;

/** `<@U…> The backup of prod failed: not enough space. Free space, then try again.` */
export const runNotice = (run: RunRecord, told: readonly string[]): ChatMessage => {
  const [symbol, ...words] = ENDS[run.outcome?.word ?? 'failed'].split(' ');
  const error = run.outcome?.error ?? null;
  const what = error === null ? '' : `: ${escapeAndCut(oneLine(error.message), 300)} (\`${error.code}\`)`;
  const next = escapeAndCut(oneLine(run.outcome?.doNext ?? ''), 400);
  const text = `${symbol} The backup of ${escape(run.instance)} ${words.join(' ')}${what}. ${next} \`${run.id}\` ${mentions(told)}`;
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
};
