/**
 * What happens without a person: the tick of the schedule, changes of the run book, ends of executions. Every event may come
 * twice, late, or out of order: each only says "look at this", and what is done follows from the records.
 */
import type { EventBridgeEvent, SQSEvent } from 'aws-lambda';
import { cloud, type Cloud } from '../lib/compose/cloud.ts';
import { readRun } from '../lib/repository/run-book.ts';
import { wakeDecided } from '../lib/runs/decide.ts';
import { endIfLost } from '../lib/runs/lost-run.ts';
import { restartRequested } from '../lib/runs/request.ts';
import { changedRuns, repairCards, showCards } from './cards.ts';
import { door } from './door.ts';
import { tickRound } from './rounds.ts';

type ExecutionChange = EventBridgeEvent<'Step Functions Execution Status Change', { name: string }>;
/** As the schedule sends it. */
type Tick = { tick: true };

/** Nothing is started here that could look after it: what a killed call left half done is gone on with at every tick. */
const onTick = async ({ world, channel, log }: Cloud): Promise<void> => {
  await Promise.all(world.instanceNames().map((instance) => tickRound(world, { instance, channel, log })));
  await restartRequested(world);
  await wakeDecided(world);
  await repairCards(world, log);
};

/** A run whose execution has ended without a report is ended here. */
const onExecution = async ({ world }: Cloud, runId: string): Promise<void> => {
  const run = await readRun(world, runId);
  if (run !== null) await endIfLost(world, run);
};

export const handler = door('events', async (event: SQSEvent | ExecutionChange | Tick) => {
  const at = await cloud();
  if ('Records' in event) return showCards(at.world, { changes: changedRuns(event, at.statePrefix), log: at.log });
  return 'detail' in event ? onExecution(at, event.detail.name) : onTick(at);
});
