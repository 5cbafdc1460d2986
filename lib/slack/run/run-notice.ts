/** The message that calls people to a run that did not end good; everything else is on the run's card. */
import type { OutcomeWord, RunRecord } from '../../domain/runs/run.ts';
import type { ChatMessage } from '../../ports/chat.ts';
import { mentions } from '../mentions.ts';
import { escapeAndCut, oneLine } from '../text.ts';
import { slackTongue } from '../tongue.ts';
import { workOf } from './work-words.ts';

const ENDS: Record<Exclude<OutcomeWord, 'good'>, { symbol: string; end: string }> = {
  gaps: { symbol: '🟠', end: 'is complete with gaps' },
  suspicious: { symbol: '🟡', end: 'is suspicious' },
  failed: { symbol: '🔴', end: 'failed' },
  refused: { symbol: '⛔', end: 'was refused' },
};

/** `🔴 The backup of prod failed: not enough space (DatabaseDiskFull). Free space, then try again. run_7F3K9Q2M @ana` */
export const runNotice = ({ id, outcome, ...run }: RunRecord, told: readonly string[]): ChatMessage => {
  const { symbol, end } = ENDS[outcome === null || outcome.word === 'good' ? 'failed' : outcome.word];
  const error = outcome?.error ?? null;
  const what = error === null ? '' : `: ${escapeAndCut(oneLine(error.message), 300)} (\`${error.code}\`)`;
  const isArchive = run.workflow === 'backup' && (outcome?.word === 'gaps' || outcome?.word === 'suspicious');
  const latest = isArchive ? ' and not used as latest good' : '';
  const next = escapeAndCut(oneLine(outcome?.doNext ?? ''), 400);
  const text = `${symbol} The ${workOf(run, slackTongue)} ${end}${latest}${what}. ${next} \`${id}\` ${mentions(told)}`;
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
};
