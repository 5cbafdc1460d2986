/** `/octo answer`: what a person says to a run that asks how to go on. The buttons of its message are this command too. */
import { OctoError } from '../domain/errors.ts';
import { ANSWERS, WAIT_MORE_MINUTES, type AnswerKind } from '../domain/runs/question.ts';
import { answerQuestion } from '../runs/people/answer.ts';
import type { Command } from './grammar/command.ts';

export const answer: Command = {
  words: ['answer'],
  changes: true,
  summary: 'Answer a run that asks: tasks did not end in time, how shall it go on?',
  positionals: [
    { name: 'run', summary: 'its id, as in run_7F3K9Q2M' },
    {
      name: 'answer',
      summary: `wait (${WAIT_MORE_MINUTES} min more), online (go on without quiet) or abort (give up)`,
    },
  ],
  options: {},
  example: '/octo answer run_7F3K9Q2M wait',
  perform: async (world, { positionals }, { by: { door, person } }) => {
    if (door === 'schedule') throw new OctoError('QuestionNotYours', 'the schedule answers nothing');
    const kind = answerNamed(positionals['answer']);
    const found = await answerQuestion(world, { runId: positionals['run'] ?? '', by: { door, person }, kind });
    const { run, isNew, isWoken } = found;
    return {
      headline: isNew ? `${run.id} ${WORDS[kind]}, as ${person} says.` : `You have said "${kind}" to ${run.id} before.`,
      lines: !isNew || isWoken ? [] : ['It hears of it within two minutes.'],
      json: { run: run.id, answer: found.answer },
    };
  },
};

const WORDS: Record<AnswerKind, string> = {
  wait: `waits ${WAIT_MORE_MINUTES} min more for the tasks to end`,
  online: 'leaves maintenance mode and goes on online',
  abort: 'gives up and puts the server back as it was',
};

const answerNamed = (text: string | undefined): AnswerKind => {
  const found = ANSWERS.find((one) => one === text?.toLowerCase());
  if (found !== undefined) return found;
  throw new OctoError('ArgumentInvalid', `an answer is one of ${ANSWERS.join(', ')}, not "${text ?? ''}"`);
};
