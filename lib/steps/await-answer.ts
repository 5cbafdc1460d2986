/**
 * The run comes to wait for the answer to its question: its task token is kept where the door finds it.
 *
 * Whoever answers wakes it, and so does time after a while; what it does then is decided by `quiesce`, from the records.
 * An answer that came before the token was kept wakes it at once.
 */
import * as z from 'zod';
import { keepToken } from '../repository/approvals.ts';
import { readAsked } from '../repository/people/questions.ts';
import { defineStep } from './step.ts';
import { wakeNow } from './parts/quiet/wake.ts';

export const step = defineStep(
  {
    name: 'await-answer',
    runsOn: 'cloud',
    input: z.strictObject({ token: z.string() }),
    output: z.strictObject({}),
  },
  async (world, { token }, { run }) => {
    await keepToken(world, run.id, token);
    const asked = await readAsked(world, run.id);
    if (asked === null || asked.answer !== null) await wakeNow(world, token);
    return {};
  },
);
