/**
 * App Home, from the top: what waits for you, one line per instance (red first), what runs now, what you may do, the last
 * runs, safety, settings. A view: every button stands for a typed command.
 */
import type { Button, KnownBlock } from '@slack/types';
import { headText, type AuditHead } from '../domain/audit.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import { isSafe, type Standing } from '../domain/settings/standing.ts';
import type { ChatMessage } from '../ports/chat.ts';
import { approvalButtons } from './approval-card.ts';
import { COMMAND_ACTION } from './receive.ts';
import { objectivesWords } from './run/drill-words.ts';
import { runWords } from './run/run-words.ts';
import { count, duration, escape, escapeAndCut, localTime, oneLine } from './text.ts';
import { slackTongue } from './tongue.ts';

export type Home = {
  /** Runs whose approval the person may give and has not given. */
  waiting: RunView[];
  /** In the order in which they are shown. */
  standings: Standing[];
  running: RunView[];
  /** Instances of which the person may ask a backup. */
  canBackUp: string[];
  recent: RunRecord[];
  /** Null when the audit cannot be read. */
  auditHead: AuditHead | null;
  /** What could not be read and is not shown, as phrases. */
  unreadable: string[];
  now: Date;
};

/** Slack takes 100 blocks; more of either than this is counted instead. */
const WAITING_SHOWN = 8;
const INSTANCES_SHOWN = 25;
const RUNNING_SHOWN = 8;
const BUTTONS_SHOWN = 5;
const SETTINGS_SHOWN = 20;

/** The home tab as blocks; `text` says the same in a sentence. */
export const appHome = (home: Home): ChatMessage => ({
  text: headline(home.standings),
  blocks: [
    ...waiting(home),
    header(headline(home.standings)),
    ...notShown(home),
    ...some(home.standings, INSTANCES_SHOWN, standingBlock),
    ...running(home),
    ...actions(home),
    ...recent(home),
    ...safety(home),
    ...settings(home),
  ],
});

const headline = (standings: Standing[]): string => {
  const unsafe = standings.filter((standing) => !isSafe(standing)).length;
  return unsafe === 0
    ? 'Every instance has a good archive within its target'
    : `${count(unsafe, 'instance')} without a good archive within the target`;
};

const waiting = ({ waiting: views, now }: Home): KnownBlock[] =>
  views.length === 0
    ? []
    : [
        header('Waits for you'),
        ...views.slice(0, WAITING_SHOWN).flatMap((view) => {
          const words = runWords(view, now, slackTongue);
          return [
            section([words.headline, ...words.findings, words.aside.join(' · ')].join('\n')),
            { type: 'actions' as const, elements: approvalButtons(view.run.id) },
          ];
        }),
        ...left(views.length, WAITING_SHOWN),
      ];

const UNREADABLE_SHOWN = 6;

/** What is missing on this page is named on it: an empty place must not look like good news. */
const notShown = ({ unreadable }: Home): KnownBlock[] =>
  unreadable.length === 0
    ? []
    : [
        section(
          [
            '⚠️ *Not everything can be read.* The rest is as it stands; `/octo check` says more.',
            ...unreadable.slice(0, UNREADABLE_SHOWN).map((what) => `• ${escapeAndCut(oneLine(what), 300)}`),
          ].join('\n'),
        ),
        ...left(unreadable.length, UNREADABLE_SHOWN),
      ];

const standingBlock = (standing: Standing): KnownBlock => section(standingLine(standing));

/** `🔴 *prod* · newest good archive 26 h old, target 8 h · maintenance mode off · next run …` */
const standingLine = (standing: Standing): string => {
  const { instance, targetSeconds, maintenance, pause, nextRun } = standing;
  const target = targetSeconds === null ? 'target unknown' : `target ${duration(targetSeconds)}`;
  const next = nextRun === null ? 'no next run' : `next run ${localTime(nextRun.at)}, ${nextRun.consistency}`;
  return [
    `${isSafe(standing) ? '🟢' : '🔴'} *${escape(instance)}* · ${ageWords(standing)}, ${target}`,
    [
      `${maintenance === 'on' ? '🚧 ' : ''}maintenance mode ${maintenance}`,
      next,
      ...(pause === null ? [] : [pausedWords(pause)]),
    ].join(' · '),
    ...(standing.objectives === null ? [] : [objectivesWords(standing.objectives, localTime).join(' · ')]),
  ].join('\n');
};

const pausedWords = ({ by, until }: NonNullable<Standing['pause']>): string =>
  `paused by ${escapeAndCut(oneLine(by), 80)} until ${until === null ? 'somebody resumes' : localTime(until)}`;

const ageWords = ({ latestGood, areArchivesRead }: Standing): string => {
  if (!areArchivesRead) return 'its archives cannot be read';
  if (latestGood === null) return 'no good archive yet';
  return `newest good archive ${duration(latestGood.ageSeconds)} old, \`${latestGood.archive}\``;
};

const running = ({ running: views, now }: Home): KnownBlock[] =>
  views.length === 0
    ? []
    : [
        header('Running now'),
        ...some(views, RUNNING_SHOWN, (view) => {
          const words = runWords(view, now, slackTongue);
          return section([words.headline, words.aside.join(' · ')].join('\n'));
        }),
      ];

const actions = ({ canBackUp, standings }: Home): KnownBlock[] => [
  {
    type: 'actions',
    elements: [
      ...canBackUp
        .slice(0, BUTTONS_SHOWN)
        .map((name): Button => ({ ...button(`Back up ${name}`, `backup now ${name}`), style: 'primary' })),
      ...standings
        .filter(({ pause }) => pause !== null)
        .slice(0, BUTTONS_SHOWN)
        .map(({ instance }) => button(`Resume ${instance}`, `backup resume ${instance}`)),
      button('Check', 'check'),
      button('All commands', 'help'),
    ],
  },
];

const settings = ({ standings }: Home): KnownBlock[] => [
  header('Settings'),
  {
    type: 'actions',
    elements: standings
      .slice(0, SETTINGS_SHOWN)
      .map(({ instance }) => button(`Settings of ${instance}`, `backup settings ${instance}`)),
  },
  ...left(standings.length, SETTINGS_SHOWN),
];

const recent = ({ recent: runs }: Home): KnownBlock[] =>
  runs.length === 0 ? [] : [header('Last runs'), section(runs.map(runLine).join('\n'))];

const SYMBOLS = { good: '✅', gaps: '🟠', suspicious: '🟡', failed: '🔴', refused: '⛔' } as const;

const runLine = ({ id, workflow, instance, requestedAt, requestedBy, outcome }: RunRecord): string =>
  [
    `${outcome === null ? '🔄' : SYMBOLS[outcome.word]} ${workflow} ${escape(instance)}`,
    localTime(requestedAt),
    escapeAndCut(oneLine(requestedBy.person), 40),
    `\`${id}\``,
  ].join(' · ');

const safety = ({ standings, auditHead }: Home): KnownBlock[] => [
  header('Safety'),
  ...some(standings, INSTANCES_SHOWN, ({ instance, latestGood, areArchivesRead }) =>
    context(
      latestGood === null
        ? `${escape(instance)}: ${areArchivesRead ? 'no key proven yet' : 'not known which key is proven'}`
        : `${escape(instance)}: key \`${latestGood.keyProof.fingerprint}\` opened ${latestGood.keyProof.opened} of ${latestGood.keyProof.sampled} values of \`${latestGood.archive}\``,
    ),
  ),
  ...(auditHead === null ? [] : [auditLine(auditHead)]),
];

const auditLine = (auditHead: AuditHead): KnownBlock =>
  context(`Audit: ${count(auditHead.n, 'entry', 'entries')}, head \`${headText(auditHead, 16)}\``);

const some = <T>(items: readonly T[], most: number, block: (item: T) => KnownBlock): KnownBlock[] => [
  ...items.slice(0, most).map(block),
  ...left(items.length, most),
];

const left = (length: number, most: number): KnownBlock[] =>
  length <= most ? [] : [context(`and ${(length - most).toLocaleString('en-US')} more: \`/octo status\``)];

const button = (label: string, command: string): Button => ({
  type: 'button',
  text: { type: 'plain_text', text: label.slice(0, 75) },
  action_id: `${COMMAND_ACTION}${command.replaceAll(' ', '-')}`,
  value: command,
});

const header = (text: string): KnownBlock => ({ type: 'header', text: { type: 'plain_text', text } });
const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
const context = (text: string): KnownBlock => ({ type: 'context', elements: [{ type: 'mrkdwn', text }] });
