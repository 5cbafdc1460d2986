/**
 * A person answers the question of a run: the first answer stands, and the run is woken to go on by it.
 *
 * Order of writes: answer, wake. A kill in between loses nothing: the run looks at the records every two minutes by itself.
 */
import { OctoError } from '../../domain/errors.ts';
import { isRunId } from '../../domain/names.ts';
import { requirement } from '../../domain/runs/approval-policy.ts';
import { answersTo, type Answer, type AnswerKind } from '../../domain/runs/question.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { policyFor, type PolicyWorld } from '../../repository/people/policy.ts';
import { answerOnce, readAsked } from '../../repository/people/questions.ts';
import { isCancelRequested, readRun } from '../../repository/run-book.ts';
import { wake } from '../decide.ts';

export type Answering = {
  runId: string;
  by: { door: 'slack' | 'terminal'; person: string };
  kind: AnswerKind;
};

/** What stands afterwards; `isNew` is false when the same person had given the same answer before. */
export type Answered = { run: RunRecord; answer: Answer; isNew: boolean; isWoken: boolean };

type AnswerWorld = PolicyWorld & Pick<World, 'instance' | 'hostTasks'>;

/**
 * Takes the answer. Giving the same again is no error and has no effect.
 * @throws RunUnknown, QuestionNotOpen, QuestionAnswered, QuestionNotYours, AnswerNotOffered
 */
export const answerQuestion = async (world: AnswerWorld, { runId, by, kind }: Answering): Promise<Answered> => {
  const run = isRunId(runId) ? await readRun(world, runId) : null;
  if (run === null) throw new OctoError('RunUnknown', `there is no run "${runId}"`);
  const asked = await readAsked(world, runId);
  if (asked === null || run.status === 'ended') throw new OctoError('QuestionNotOpen', `${runId} asks nothing now`);
  if (await isCancelRequested(world, runId)) throw new OctoError('QuestionNotOpen', `${runId} is being stopped`);
  await requireMayAnswer(world, run, by);
  const at = world.clock.now().toISOString();
  const { n, until } = asked.question;
  if (!answersTo(asked.question).includes(kind))
    throw new OctoError('AnswerNotOffered', `a ${run.workflow} cannot go on without quiet`);
  if (asked.answer === null && until <= at)
    throw new OctoError('QuestionNotOpen', `the time to answer ${runId} was over at ${until}`);
  const answer = asked.answer ?? (await answerOnce(world, { runId, n }, { kind, by, at }));
  if (answer.by?.person !== by.person || answer.kind !== kind) throw answered(runId, answer);
  return { run, answer, isNew: asked.answer === null, isWoken: await wake(world, runId) };
};

/** Whoever asked for the run, and everybody whom the configuration knows and the policy lets ask for a backup. */
const requireMayAnswer = async (world: AnswerWorld, run: RunRecord, by: Answering['by']): Promise<void> => {
  const policy = await policyFor(world, run.instance);
  const asking = { verb: run.workflow, instance: world.instance(run.instance), by };
  const isKnown = by.person === run.requestedBy.person || policy.people.includes(by.person);
  if (isKnown && requirement(policy, asking).kind !== 'denied') return;
  throw new OctoError('QuestionNotYours', `${by.person} may not decide how ${run.id} goes on`);
};

const answered = (runId: string, { kind, by, at }: Answer): OctoError => {
  const what = by === null ? 'needs no answer any more' : `was answered with "${kind}" by ${by.person}`;
  return new OctoError('QuestionAnswered', `the question of ${runId} ${what}, at ${at}`, {
    facts: { run: runId, answer: kind, person: by?.person ?? null },
  });
};
