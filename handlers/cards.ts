/**
 * Keeps the cards current in the cloud: S3 tells a queue of every write to the run book, the queue holds that back for a few
 * seconds, and what is shown is the run as it stands by then.
 */
import type { S3Event, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { OctoError } from '../lib/domain/errors.ts';
import { runIdOfKey } from '../lib/domain/names.ts';
import type { Log } from '../lib/log.ts';
import type { World } from '../lib/ports/world.ts';
import { listRuns } from '../lib/repository/run-book.ts';
import { refreshCard } from '../lib/runs/report.ts';

type CardWorld = Pick<World, 'state' | 'clock' | 'chat'>;
/** The messages that speak of a run. */
type Changes = Map<string, string[]>;

/** Cards of so many runs are looked after at every tick: Slack may have been down when they changed. */
const RECENT_RUNS = 20;

/** Which runs a batch of S3's notifications is about. `prefix` stands before every key in the bucket. */
export const changedRuns = (event: SQSEvent, prefix: string): Changes => {
  const changes: Changes = new Map();
  for (const { messageId, body } of event.Records) {
    // S3 sends a message without records when it is told to notify a queue.
    for (const { s3 } of (JSON.parse(body) as Partial<S3Event>).Records ?? []) {
      const key = decodeURIComponent(s3.object.key.replaceAll('+', ' '));
      const runId = key.startsWith(prefix) ? runIdOfKey(key.slice(prefix.length)) : null;
      if (runId !== null) changes.set(runId, [...(changes.get(runId) ?? []), messageId]);
    }
  }
  return changes;
};

/** Shows the runs; names the messages of those that could not be shown, which the queue gives back after a while. */
export const showCards = async (
  world: CardWorld,
  { changes, log }: { changes: Changes; log: Log },
): Promise<SQSBatchResponse> => {
  const failed = await Promise.all(
    [...changes].map(async ([runId, messageIds]) => ((await isShown(world, runId, log)) ? [] : messageIds)),
  );
  return { batchItemFailures: [...new Set(failed.flat())].map((itemIdentifier) => ({ itemIdentifier })) };
};

/** Shows what an event that was lost, or a Slack that was down, has left undone. A card that was edited just now is left to its own event. */
export const repairCards = async (world: CardWorld, log: Log): Promise<void> => {
  const recent = await listRuns(world, { limit: RECENT_RUNS });
  await Promise.all(recent.map(({ id }) => attempted(() => refreshCard(world, id), { runId: id, log })));
};

const isShown = (world: CardWorld, runId: string, log: Log): Promise<boolean> =>
  attempted(
    async () => {
      // A card is edited at most every ten seconds: less than a function may wait.
      for (let waitMs = await refreshCard(world, runId); waitMs !== null; waitMs = await refreshCard(world, runId))
        await world.clock.sleep(waitMs);
    },
    { runId, log },
  );

/** False when it is worth another try. */
const attempted = async (
  show: () => Promise<unknown>,
  { runId, log }: { runId: string; log: Log },
): Promise<boolean> => {
  try {
    await show();
    return true;
  } catch (thrown) {
    const error = OctoError.from(thrown);
    log.warn('card not shown', { run: runId, error });
    // Somebody deleted the message: trying again brings no other answer.
    return error.code === 'ChatMessageGone';
  }
};
