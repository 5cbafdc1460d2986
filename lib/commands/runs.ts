/** `/octo runs`, `/octo run <id>`, `/octo cancel <id>`: what was asked for, how far it is, how it ended, and stopping it. */
import { OctoError } from '../domain/errors.ts';
import { isRunId } from '../domain/names.ts';
import { columns } from '../domain/reply.ts';
import { listRuns, readCancel, readRun, requestCancel } from '../repository/run-book.ts';
import { wake } from '../runs/decide.ts';
import { readView } from '../runs/report.ts';
import { awaitedApproval } from '../slack/approval-words.ts';
import { runLines } from '../slack/run/run-lines.ts';
import { utcTime } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';

const LIST_LENGTH = 20;

export const runs: Command = {
  words: ['runs'],
  summary: 'The newest runs and how they ended.',
  positionals: [{ name: 'instance', summary: 'only of this Octopus server', isOptional: true }],
  options: {},
  example: '/octo runs prod',
  perform: async (world, { positionals }) => {
    const chosen = positionals['instance'];
    const instance = chosen === undefined ? undefined : world.instance(chosen).name;
    const found = await listRuns(world, { limit: LIST_LENGTH, ...(instance === undefined ? {} : { instance }) });
    return {
      headline: found.length === 0 ? 'There is no run yet.' : `The newest ${found.length} run(s).`,
      lines: columns(
        found.map((run) => [
          run.id,
          run.outcome?.word ?? run.status,
          `${run.workflow} ${run.instance}`,
          utcTime(run.requestedAt),
          run.requestedBy.person,
        ]),
      ),
      json: found,
    };
  },
};

export const run: Command = {
  words: ['run'],
  summary: 'One run: each step, its time and result.',
  positionals: [{ name: 'run', summary: 'its id, as in run_7F3K9Q2M' }],
  options: { history: { summary: 'print every event of its workflow as well', isFlag: true } },
  example: '/octo run run_7F3K9Q2M',
  perform: async (world, { positionals, options }) => {
    const id = positionals['run'] ?? '';
    const view = isRunId(id) ? await readView(world, id) : null;
    if (view === null) throw new OctoError('RunUnknown', `there is no run "${id}"`);
    const isHistoryWanted = 'history' in options;
    const events = isHistoryWanted ? await Array.fromAsync(world.workflows.history(id)) : [];
    const [headline = '', ...lines] = runLines(view, world.clock.now());
    return {
      headline,
      lines: [
        ...lines,
        ...columns(
          events.map(({ id: event, timestamp, type, details }) => [
            String(event),
            timestamp,
            type,
            JSON.stringify(details).slice(0, 200),
          ]),
        ),
      ],
      json: { ...view, ...(isHistoryWanted ? { history: events } : {}) },
      runId: id,
    };
  },
};

export const cancel: Command = {
  words: ['cancel'],
  changes: true,
  isForKnown: true,
  summary: 'Stop a run at its next safe point; the server is put back first.',
  positionals: [{ name: 'run', summary: 'its id, as in run_7F3K9Q2M' }],
  options: {},
  example: '/octo cancel run_7F3K9Q2M',
  perform: async (world, { positionals }, { by }) => {
    const id = positionals['run'] ?? '';
    const found = isRunId(id) ? await readRun(world, id) : null;
    if (found === null) throw new OctoError('RunUnknown', `there is no run "${id}"`);
    if (found.status === 'ended') {
      return { headline: `${id} has already ended: ${found.outcome?.word ?? 'failed'}.`, lines: [], json: found };
    }
    const view = await readView(world, id);
    if (view !== null && awaitedApproval(view) !== null && by.person !== found.requestedBy.person) {
      throw new OctoError('WithdrawNotYours', `only ${found.requestedBy.person}, who asked for ${id}, can withdraw it`);
    }
    await requestCancel(world, id, { by: by.person });
    // A run that waits for people looks at nothing until it is woken.
    await wake(world, id);
    const asked = await readCancel(world, id);
    return {
      headline: `${id} stops at its next safe point, as ${asked?.by ?? by.person} asked.`,
      lines: [],
      json: { run: id, ...asked },
    };
  },
};
