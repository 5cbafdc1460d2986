/**
 * The one message of a run: posted when it was asked for, edited as it goes, final when it ended.
 * A view: rendered from the run book, never read back. The wording is `run-words.ts`, shared with the terminal.
 */
import type { Button, KnownBlock } from '@slack/types';
import type { RunView } from '../../domain/runs/run.ts';
import type { ChatMessage } from '../../ports/chat.ts';
import { approvalButtons } from '../approval-card.ts';
import { awaitedApproval } from '../approval-words.ts';
import { answerButtons, openQuestion } from './question-card.ts';
import { COMMAND_ACTION } from '../receive.ts';
import { type RunWords, runWords } from './run-words.ts';
import { slackTongue } from '../tongue.ts';
import { workAgain, workTitle } from './work-words.ts';

/** The card of `view` as it stands at `now`. Buttons are there only while they work. */
export const runCard = (view: RunView, now: Date): ChatMessage => {
  const words = runWords(view, now, slackTongue);
  // A notification names no local time, so the sentence has none; it is escaped because Slack reads it as mrkdwn.
  return { text: words.sentence, blocks: [...body(words), ...buttons(view)] };
};

const body = (words: RunWords): KnownBlock[] => [
  section(words.headline),
  context(words.aside.join(' · ')),
  ...some(words.steps, (steps) => section(steps.map(unbroken).join('   '))),
  ...some(words.findings, (lines) => section(lines.join('\n'))),
  ...some(words.gaps, (gaps) => section(`*Missing or not proven*\n${bullets(gaps)}`)),
  ...some(words.unusual, (lines) => section(`*Unusual*\n${bullets(lines)}`)),
  ...some(words.notes, (notes) => context(`Noted: ${notes.join(' · ')}`)),
  ...some(wayOn(words), (lines) => section(lines.join('\n'))),
  ...(words.code === null ? [] : [context(`Code \`${words.code}\``)]),
];

const wayOn = ({ safeNow, doNext }: RunWords): string[] => [
  ...(safeNow === null ? [] : [`*Safe now:* ${safeNow}`]),
  ...(doNext === null ? [] : [`*Do next:* ${doNext}`]),
];

const buttons = (view: RunView): KnownBlock[] => {
  const { run } = view;
  if (awaitedApproval(view) !== null) return [actions([...approvalButtons(run.id), withdrawButton(view)])];
  const question = openQuestion(view);
  if (question !== null) return [actions([...answerButtons(run.id, question), stopButton(run)])];
  if (run.outcome === null) return [actions([stopButton(run)])];
  if (run.outcome.word === 'good') return [];
  return [actions([...acceptButton(view), button('Try again', workAgain(run)), button('Details', `run ${run.id}`)])];
};

const stopConfirm = (run: RunView['run']): NonNullable<Button['confirm']> => ({
  title: { type: 'plain_text', text: `Stop this ${workTitle(run).toLowerCase()}?` },
  text: {
    type: 'plain_text',
    text: 'It ends at the next safe point and puts Octopus back as it was. Nothing it stored is listed.',
  },
  confirm: { type: 'plain_text', text: 'Stop it' },
  deny: { type: 'plain_text', text: 'Go on' },
  style: 'danger',
});

/** A button that stands for a typed command: clicking it takes the same way, checks and audit. */
const button = (label: string, command: string): Button => ({
  type: 'button',
  text: { type: 'plain_text', text: label },
  action_id: `${COMMAND_ACTION}${command.split(' ')[0]}`,
  value: command,
});

/** There for an archive that waits for somebody to look at it. */
const acceptButton = ({ run: { instance, outcome }, accepted }: RunView): Button[] =>
  outcome?.backup == null || accepted != null
    ? []
    : [
        {
          ...button('Accept…', `backup accept ${outcome.backup.archiveId} instance:${instance}`),
          action_id: `${COMMAND_ACTION}accept`,
        },
      ];

const stopButton = (run: RunView['run']): Button => ({
  ...button('Stop', `cancel ${run.id}`),
  style: 'danger',
  confirm: stopConfirm(run),
});

/** The same card is shown to everybody, so the button says whose it is. */
const withdrawButton = ({ run }: RunView): Button => ({
  ...button('Withdraw', `cancel ${run.id}`),
  confirm: {
    title: { type: 'plain_text', text: 'Withdraw this request?' },
    text: {
      type: 'plain_text',
      text: 'Nothing was begun, so nothing has to be put back. Only whoever asked can withdraw it; approvers deny it.',
    },
    confirm: { type: 'plain_text', text: 'Withdraw' },
    deny: { type: 'plain_text', text: 'Leave it' },
  },
});

const actions = (elements: Button[]): KnownBlock => ({ type: 'actions', elements });
const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
const context = (text: string): KnownBlock => ({ type: 'context', elements: [{ type: 'mrkdwn', text }] });
/** A step's symbol, name and time stay on one line of a narrow screen. */
const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');
const bullets = (lines: readonly string[]): string => lines.map((line) => `• ${line}`).join('\n');
const some = <T>(items: T[], block: (items: T[]) => KnownBlock): KnownBlock[] =>
  items.length === 0 ? [] : [block(items)];
