/** The question that a run asks people, and its answers: one record for the last question, one written once for each answer. */
import { stateKeys } from '../../domain/names.ts';
import { Answer, Question, type Asked } from '../../domain/runs/question.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

type State = Pick<World, 'state'>;

/** The run's last question with its answer; `null` when it never asked. */
export const readAsked = async (world: State, runId: string): Promise<Asked | null> => {
  const question = await readRecord(world.state, questionAt(runId));
  return question && { question, answer: await readRecord(world.state, answerAt(runId, question.n)) };
};

/** Asks. A question of that number that stands already is the one. */
export const ask = async (world: State, runId: string, question: Question): Promise<Question> =>
  (await update(world.state, questionAt(runId), (current) =>
    current !== null && current.n >= question.n ? UNCHANGED : question,
  )) ?? question;

/** Answers question `n`. Gives the answer that stands. */
export const answerOnce = async (
  world: State,
  { runId, n }: { runId: string; n: number },
  answer: Answer,
): Promise<Answer> =>
  (await update(world.state, answerAt(runId, n), (current) => (current === null ? answer : UNCHANGED))) ?? answer;

const questionAt = (runId: string) => ({ key: stateKeys.question(runId), schema: Question });
const answerAt = (runId: string, n: number) => ({ key: stateKeys.answer(runId, n), schema: Answer });
