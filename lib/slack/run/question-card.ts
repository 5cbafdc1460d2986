/**
 * The question of a run in words and buttons: there for as long as it has no answer. Shared by card, terminal and the
 * message that calls people to it.
 */
import type { Button } from '@slack/types';
import { answersTo, WAIT_MORE_MINUTES, type AnswerKind, type Question } from '../../domain/runs/question.ts';
import type { RunView } from '../../domain/runs/run.ts';
import type { ChatMessage } from '../../ports/chat.ts';
import { mentions } from '../mentions.ts';
import { COMMAND_ACTION } from '../receive.ts';
import { slackTongue, type Tongue } from '../tongue.ts';
import { workOf, workOn, workTitle } from './work-words.ts';

/** The question that the run waits with, or `null`: answered, or its step is over. */
export const openQuestion = ({ run, asked, steps }: RunView): Question | null => {
  if (run.outcome !== null || asked == null || asked.answer !== null) return null;
  return steps.some(({ step, status }) => step === 'quiesce' && status === 'running') ? asked.question : null;
};

/** What is asked, until when, and what silence means. */
export const questionWords = (
  { run }: RunView,
  question: Question,
  tongue: Tongue,
): { headline: string; findings: string[]; sentence: string } => {
  const { tasks, until, askedAt } = question;
  return {
    headline: `❓ ${tongue.strong(`${workTitle(run)} asks`)} · ${workOn(run, tongue)} · tasks do not end: how shall it go on?`,
    findings: [
      `Still at work at ${tongue.time(askedAt)}: ${tongue.quote(tasks, 600)}`,
      `Octopus stays in maintenance mode meanwhile. Without an answer by ${tongue.time(until)} it gives up; when the tasks end it goes on by itself.`,
      `In a terminal: octo answer ${run.id} ${answersTo(question).join('|')}`,
    ],
    sentence: `The ${workOf(run, tongue)} asks how to go on: tasks do not end.`,
  };
};

const LABELS: Record<AnswerKind, string> = {
  wait: `Wait ${WAIT_MORE_MINUTES} min more`,
  online: 'Go on online',
  abort: 'Give up',
};

/** [Wait 15 min more] [Go on online] [Give up] */
export const answerButtons = (runId: string, question: Question): Button[] =>
  answersTo(question).map((kind) => ({
    type: 'button',
    text: { type: 'plain_text', text: LABELS[kind] },
    action_id: `${COMMAND_ACTION}answer-${kind}`,
    value: `answer ${runId} ${kind}`,
  }));

/** Calls people to the question. Without buttons: they would outlive the answer, as nobody edits this message. */
export const questionCall = (view: RunView, question: Question, told: readonly string[]): ChatMessage => {
  const { sentence } = questionWords(view, question, slackTongue);
  const text = [
    `❓ ${sentence} Answer in its message by ${slackTongue.time(question.until)}, or with /octo answer ${view.run.id} and one of ${answersTo(question).join(', ')}.`,
    mentions(told),
  ];
  const words = text.join(' ').trim();
  return { text: words, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: words } }] };
};
