/**
 * Tasks did not end in time and the settings say: ask. Puts the question, and says how the run goes on by what stands.
 *
 * The server stays quiet while people are asked, so the run looks again every two minutes: its lease is renewed then, and
 * tasks that ended meanwhile need no answer any more. A run that falls silent loses its lease, and its worker gives the
 * server back.
 */
import type { Lease } from '../../../domain/runs/lease.ts';
import { askUntil, type Asked } from '../../../domain/runs/question.ts';
import type { World } from '../../../ports/world.ts';
import { answerOnce, ask } from '../../../repository/people/questions.ts';

/** Well within the lease, which lasts five. */
const LOOK_AGAIN_SECONDS = 120;

type AskWorld = Pick<World, 'state' | 'clock'>;
type Asking = { lease: Lease; asked: Asked | null; tasks: string; canGoOnline: boolean };

/** How long to wait for an answer before the next look; null when there is one now, if only that time is over. */
export const askPeople = async (
  world: AskWorld,
  { lease, asked, tasks, canGoOnline }: Asking,
): Promise<number | null> => {
  const now = world.clock.now();
  const { runId } = lease;
  const question =
    asked?.answer === null
      ? asked.question
      : await ask(world, runId, {
          n: (asked?.question.n ?? 0) + 1,
          askedAt: now.toISOString(),
          until: askUntil(lease.latestEndsAt),
          tasks,
          canGoOnline,
        });
  const seconds = Math.ceil((Date.parse(question.until) - now.getTime()) / 1000);
  if (seconds > 0) return Math.min(seconds, LOOK_AGAIN_SECONDS);
  await answerOnce(world, { runId, n: question.n }, { kind: 'none', by: null, at: now.toISOString() });
  return null;
};

/** Whether the quiet that was reached is wanted: an open question is answered by it, unless somebody was faster. */
export const isQuietWanted = async (world: AskWorld, runId: string, asked: Asked | null): Promise<boolean> => {
  if (asked === null || asked.answer !== null) return true;
  const quiet = { kind: 'quiet' as const, by: null, at: world.clock.now().toISOString() };
  const { kind } = await answerOnce(world, { runId, n: asked.question.n }, quiet);
  return kind === 'quiet' || kind === 'wait';
};
