/**
 * A stand-in for Amazon SQS over its JSON protocol: standard queues of one account, with long polling, visibility and dead
 * letters. It is no more lenient than SQS; what it does not serve (see `serves`) is refused.
 */
import { machineClock, type Clock } from './clock.ts';
import { startJsonService } from './json/json-service.ts';
import type { JsonFaults, JsonOperation, JsonStandIn } from './json/json-service.ts';
import { serves } from './sqs/sqs-operations.ts';
import { openSqsShelf } from './sqs/sqs-shelf.ts';

export { serves };

export type SqsFaults = JsonFaults & {
  /** This many messages are delivered once more, at once. */
  comeTwice?: number;
};

export type SqsStandIn = Omit<JsonStandIn, 'setFaults'> & {
  setFaults(faults: SqsFaults): void;
  /** What lies in a queue, seen or not. */
  bodies(queue: string): string[];
};

type SqsOptions = { port?: number; directory: string; clock?: Clock };

/** Starts the stand-in on `port` (any free one by default); `directory` keeps its data. */
export const startSqs = async ({ port = 0, directory, clock = machineClock }: SqsOptions): Promise<SqsStandIn> => {
  const shelf = openSqsShelf(directory);
  const waiting = new Set<AbortController>();
  const stop = new AbortController();
  let twice = 0;
  let url = '';
  const comesTwice = (): boolean => {
    twice -= 1;
    return twice >= 0;
  };
  const operations = serves.flatMap(({ operation, perform }): [string, JsonOperation][] => {
    if (perform === undefined) return [];
    const call = (parameters: Record<string, unknown>, hungUp: AbortSignal) => {
      const gone = AbortSignal.any([hungUp, stop.signal]);
      return perform({ shelf, parameters, clock, url, gone, comesTwice, waiting });
    };
    return [[operation, call]];
  });
  const running = await startJsonService(
    {
      name: 'sqs',
      target: 'AmazonSQS',
      version: '1.0',
      errors: { internal: 'InternalError', throttled: 'RequestThrottled' },
      messageField: 'message',
      operations: new Map(operations),
    },
    port,
  );
  url = running.url;
  return {
    ...running,
    setFaults: ({ comeTwice = 0, ...faults }) => {
      twice = comeTwice;
      running.setFaults(faults);
    },
    bodies: (queue) => shelf.messages(queue).map(({ body }) => body),
    close: async () => {
      stop.abort();
      await running.close();
      shelf.close();
    },
  };
};
