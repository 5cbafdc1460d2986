/** Follows a run to its end on a terminal: one line whenever a state begins, moves on noticeably, or ends. */
import type { RunView, StepNote } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { readView } from '../../lib/runs/report.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { stepLine } from '../../lib/slack/run/run-lines.ts';

const LOOK_MS = 500;
const PERCENT_STRIDE = 20;

/** The run as it ended. @throws RunUnknown */
export const followRun = async (
  world: Pick<World, 'state' | 'clock'>,
  runId: string,
  print: (line: string) => void,
): Promise<RunView> => {
  const printed = new Map<string, string>();
  for (;;) {
    const view = await readView(world, runId);
    if (view === null) throw new OctoError('RunUnknown', `there is no run ${runId}`);
    for (const note of view.steps) {
      const mark = markOf(note);
      if (printed.get(note.state) === mark) continue;
      printed.set(note.state, mark);
      print(stepLine(note, world.clock.now()));
    }
    if (view.run.status === 'ended') return view;
    await world.clock.sleep(LOOK_MS);
  }
};

const markOf = (note: StepNote): string =>
  [note.status, note.attempt, Math.floor((note.percent ?? 0) / PERCENT_STRIDE)].join(' ');
