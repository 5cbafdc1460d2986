/**
 * The queues of host tasks in this process: what SQS is to Step Functions.
 *
 * They hold nothing that the journals do not: after a restart every open task is offered again. A task that was taken and
 * not acknowledged is offered again after a while, as SQS does when its visibility timeout is over.
 */
import type { Clock } from '../ports/clock.ts';
import type { HostTaskBody, HostTasks, TakenTask } from '../ports/workflow-runtime.ts';

export type HostQueues = Pick<HostTasks, 'take' | 'acknowledge'> & {
  offer(host: string, body: HostTaskBody): void;
};

/** How long a taker has to record a task before it is offered to the next. */
const VISIBILITY_MS = 30_000;

/** `isOpen` says whether a workflow still waits for a token: what is gone is not delivered. */
export const hostQueues = (world: {
  clock: Clock;
  isOpen: (token: string) => boolean;
  stopping: AbortSignal;
}): HostQueues => {
  const { clock, isOpen, stopping } = world;
  const queues = new Map<string, { task: TakenTask; visibleAtMs: number }[]>();
  const takers = new Set<AbortController>();

  const next = (host: string): TakenTask | number => {
    const nowMs = clock.now().getTime();
    const waiting = (queues.get(host) ?? []).filter(({ task }) => isOpen(task.receipt));
    queues.set(host, waiting);
    const found = waiting.find(({ visibleAtMs }) => visibleAtMs <= nowMs);
    if (!found) return Math.min(...waiting.map(({ visibleAtMs }) => visibleAtMs));
    found.visibleAtMs = nowMs + VISIBILITY_MS;
    return found.task;
  };

  return {
    offer: (host, body) => {
      const entry = { task: { receipt: body.token, body }, visibleAtMs: clock.now().getTime() };
      queues.set(host, [...(queues.get(host) ?? []), entry]);
      for (const taker of takers) taker.abort();
    },
    take: async (host, { waitSeconds, signal }) => {
      const untilMs = clock.now().getTime() + waitSeconds * 1000;
      const ends = signal ? [signal, stopping] : [stopping];
      while (!ends.some(({ aborted }) => aborted)) {
        const found = next(host);
        if (typeof found !== 'number') return found;
        const restMs = Math.min(found, untilMs) - clock.now().getTime();
        if (restMs <= 0) return null;
        const taker = new AbortController();
        takers.add(taker);
        await clock.sleep(restMs, AbortSignal.any([...ends, taker.signal])).catch(() => {});
        takers.delete(taker);
      }
      return null;
    },
    acknowledge: async ({ receipt }) => {
      for (const [host, waiting] of queues)
        queues.set(
          host,
          waiting.filter(({ task }) => task.receipt !== receipt),
        );
    },
  };
};
