/** What the watcher says of an instance without a good archive in time: the alarm, its reminders, and the end of it. */
import type { KnownBlock } from '@slack/types';
import type { Outage } from '../domain/settings/outage.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { Pause } from '../domain/settings/schedule.ts';
import type { ChatMessage } from '../ports/chat.ts';
import { COMMAND_ACTION } from './receive.ts';
import { mentions } from './mentions.ts';
import { duration, escape, escapeAndCut, localTime, oneLine } from './text.ts';

export type OutageFacts = {
  instance: string;
  outage: Outage;
  newestGood: { archiveId: string; takenAt: string } | null;
  targetHours: number;
  pause: Pause | null;
  lastRun: RunRecord | null;
  /** Ids of those who are told. */
  tell: readonly string[];
};

/** The alarm: what is wrong, since when, the likely reason, and the way on. */
export const outageMessage = (facts: OutageFacts, now: Date): ChatMessage => {
  const { instance, newestGood, targetHours } = facts;
  const age = newestGood === null ? 'there is none at all' : `the newest is ${ageOf(newestGood.takenAt, now)} old`;
  const text = `No good archive of ${escape(instance)} within ${targetHours} h: ${age}.`;
  const tell = mentions(facts.tell);
  return {
    text: [text, tell].join(' ').trim(),
    blocks: [
      section(`🔴 *No good archive* · ${escape(instance)} · ${age}, the target is ${targetHours} h`),
      section([...reasonsOf(facts), ...(tell === '' ? [] : [tell])].join('\n')),
      actions(instance),
    ],
  };
};

/** Said again in the thread while it lasts. */
export const outageReminder = (facts: OutageFacts, now: Date): ChatMessage => {
  const text = `Still no good archive of ${escape(facts.instance)} within its target, for ${ageOf(facts.outage.since, now)} now.`;
  const lines = [text, ...reasonsOf(facts), mentions(facts.tell)].filter((line) => line !== '');
  return { text: lines.join(' '), blocks: [section(lines.join('\n'))] };
};

/** The alarm once it is over. */
export const outageClosed = ({ instance, outage, newestGood }: OutageFacts, now: Date): ChatMessage => {
  const archive = newestGood === null ? '' : `: \`${newestGood.archiveId}\``;
  const lasted = `beyond its target for ${ageOf(outage.since, now)}`;
  return {
    text: `${escape(instance)} has a good archive within its target again.`,
    blocks: [section(`✅ *Good archive again* · ${escape(instance)}${archive} · it was ${lasted}`)],
  };
};

const reasonsOf = ({ pause, lastRun }: OutageFacts): string[] => [
  ...(pause === null
    ? []
    : [
        `The schedule is paused by ${escapeAndCut(oneLine(pause.by), 80)}${pause.until === null ? '' : ` until ${localTime(pause.until)}`}: \`/octo backup resume\`.`,
      ]),
  lastRun === null ? 'No run was ever asked for.' : `Last run: ${runWords(lastRun)}`,
];

const runWords = ({ id, requestedAt, status, outcome }: RunRecord): string => {
  const what =
    outcome?.error == null ? '' : `: ${escapeAndCut(oneLine(outcome.error.message), 300)} (\`${outcome.error.code}\`)`;
  return `\`${id}\`, ${localTime(requestedAt)}, ${outcome?.word ?? status}${what}`;
};

const ageOf = (since: string, now: Date): string => duration((now.getTime() - Date.parse(since)) / 1000);

const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });

const actions = (instance: string): KnownBlock => ({
  type: 'actions',
  elements: [
    button('Back up now', `backup now ${instance}`),
    button('Check', `check ${instance}`),
    button('Settings', `backup settings ${instance}`),
  ],
});

const button = (label: string, command: string) => ({
  type: 'button' as const,
  text: { type: 'plain_text' as const, text: label },
  action_id: `${COMMAND_ACTION}${command.split(' ').slice(0, 2).join('-')}`,
  value: command,
});
