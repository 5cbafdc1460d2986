/**
 * What a run asks people while it waits for the server to become quiet: tasks do not end, what now?
 *
 * Each question has one answer, which is written once and stands. Time answers too, with `none`, and so does the server,
 * with `quiet`, when the tasks have ended meanwhile. Stored under `runs/<runId>/` by `repository/people/questions.ts`.
 */
import * as z from 'zod';

/** What people can answer: wait a while longer, go on without quiet, or give up. */
export const ANSWERS = ['wait', 'online', 'abort'] as const;
export type AnswerKind = (typeof ANSWERS)[number];

/** The answers that a question offers. */
export const answersTo = ({ canGoOnline }: Pick<Question, 'canGoOnline'>): AnswerKind[] =>
  ANSWERS.filter((kind) => kind !== 'online' || canGoOnline);

/** What `wait` grants. */
export const WAIT_MORE_MINUTES = 15;

export const Question = z.strictObject({
  /** 1 for the first of its run. */
  n: z.number().int().positive(),
  askedAt: z.string(),
  /** Without an answer by then the run gives up. */
  until: z.string(),
  /** The tasks that are still at work, as a phrase. */
  tasks: z.string(),
  /** Only a backup can do without quiet. */
  canGoOnline: z.boolean(),
});
export type Question = z.infer<typeof Question>;

export const Answer = z.strictObject({
  kind: z.enum([...ANSWERS, 'none', 'quiet']),
  /** Null when nobody gave it. */
  by: z.strictObject({ person: z.string(), door: z.enum(['slack', 'terminal']) }).nullable(),
  at: z.string(),
});
export type Answer = z.infer<typeof Answer>;

/** The last question of a run, and its answer. */
export type Asked = { question: Question; answer: Answer | null };

/** Time kept back for giving the server to its users again before the longest quiet is over. */
const WAY_BACK_SECONDS = 60;

type Waiting = { openedAt: string; latestEndsAt: string; minutes: number; asked: Asked | null };

/** Until when tasks are waited for now: as the settings say, and longer where people let it; never up to the end of quiet. */
export const waitUntil = ({ openedAt, minutes, asked, latestEndsAt }: Waiting): Date => {
  const bySettings = Date.parse(openedAt) + minutes * 60_000;
  const { answer = null } = asked ?? {};
  const byPeople = answer?.kind === 'wait' ? Date.parse(answer.at) + WAIT_MORE_MINUTES * 60_000 : 0;
  return new Date(Math.min(Math.max(bySettings, byPeople), Date.parse(askUntil(latestEndsAt))));
};

/** Until when an answer is waited for. */
export const askUntil = (latestEndsAt: string): string =>
  new Date(Date.parse(latestEndsAt) - WAY_BACK_SECONDS * 1000).toISOString();
