/**
 * Worker threads and the shared buffers they fill or empty: all the memory that bulk data ever takes.
 *
 * The main thread keeps the store traffic and the planning; workers read, hash and compress in plain synchronous code,
 * which beats asynchronous calls by far (fewer hops, no promise a file).
 */
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Jobs } from './worker.ts';

export type Ask = <J extends keyof Jobs>(job: J, input: Parameters<Jobs[J]>[0]) => Promise<ReturnType<Jobs[J]>>;

export type Crew = {
  /** Waits for a free buffer: this is what bounds memory and slows readers down to the store's pace. */
  takeSlot(): Promise<SharedArrayBuffer>;
  giveSlot(slot: SharedArrayBuffer): void;
  /** Hands each task to `perform` with a free worker's `ask`; ends when all are done, or with the first failure. */
  each<T>(tasks: Iterable<T> | AsyncIterable<T>, perform: (task: T, ask: Ask) => Promise<void>): Promise<void>;
  /** Work that goes on while tasks are handed out, such as an upload; `settled` waits for it. Its failure stops `each`. */
  background(work: Promise<void>): void;
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** Workers make little garbage: the default would let each keep 48 MB of it. */
const YOUNG_MB = 6;

/** Transfers that go on beside the workers: a distant store wants several. */
const TRANSFERS = 3;

export const openCrew = (options: { slotBytes: number; mostTasks: number; signal?: AbortSignal | undefined }): Crew => {
  const size = Math.max(1, Math.min(availableParallelism(), options.mostTasks));
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const workers = Array.from({ length: size }, () => startWorker());
  const slots = slotPool(size + TRANSFERS, options.slotBytes);
  const pending = new Set<Promise<void>>();

  return {
    takeSlot: async () => {
      const slot = await slots.take();
      signal.throwIfAborted();
      return slot;
    },
    giveSlot: slots.give,
    async each(tasks, perform) {
      const queue = Symbol.asyncIterator in tasks ? tasks[Symbol.asyncIterator]() : tasks[Symbol.iterator]();
      const lane = async ({ ask }: { ask: Ask }): Promise<void> => {
        for (let next = await queue.next(); next.done !== true; next = await queue.next()) {
          signal.throwIfAborted();
          await perform(next.value, ask);
        }
      };
      const lanes = workers.map((worker) => lane(worker));
      for (const each of lanes) each.catch((reason: unknown) => stop.abort(reason));
      await Promise.allSettled(lanes);
      signal.throwIfAborted();
    },
    background(work) {
      const tracked = work.catch((reason: unknown) => stop.abort(reason)).finally(() => pending.delete(tracked));
      pending.add(tracked);
    },
    async settled() {
      await Promise.all(pending);
      signal.throwIfAborted();
    },
    async close() {
      await Promise.all(pending);
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
      slots.retire();
    },
  };
};

type Reply = { result: unknown } | { failure: { message: string; code?: string } };

/** One worker; `ask` is called for one job at a time. */
const startWorker = () => {
  // Where the program keeps compiled code, its threads do as well: it halves their start and saves 25 MB each.
  const cache = getCompileCacheDir();
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    env,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  let settle: ((reply: Reply) => void) | null = null;
  const fail = (cause: Error): void => settle?.({ failure: { message: `a worker thread ended: ${cause.message}` } });
  worker.on('message', (reply: Reply) => settle?.(reply));
  worker.on('error', fail);
  const ask = (async (job, input) => {
    const reply = await new Promise<Reply>((resolve) => {
      settle = resolve;
      worker.postMessage({ job, input }, []);
    });
    if ('failure' in reply) throw Object.assign(new Error(`${job}: ${reply.failure.message}`), reply.failure);
    return reply.result;
  }) as Ask;
  return { worker, ask };
};

/** Slots of earlier crews, as long as the collector has not come by: the next crew need not add to them. */
const idle: WeakRef<SharedArrayBuffer>[] = [];

const reuseSlot = (slotBytes: number): SharedArrayBuffer => {
  for (let slot = idle.pop(); slot !== undefined; slot = idle.pop()) {
    const found = slot.deref();
    if (found?.byteLength === slotBytes) return found;
  }
  return new SharedArrayBuffer(slotBytes);
};

const slotPool = (most: number, slotBytes: number) => {
  const free: SharedArrayBuffer[] = [];
  const waiting: ((slot: SharedArrayBuffer) => void)[] = [];
  let made = 0;
  const make = (): SharedArrayBuffer | undefined => (made++ < most ? reuseSlot(slotBytes) : undefined);
  return {
    take: async (): Promise<SharedArrayBuffer> =>
      free.pop() ?? make() ?? new Promise((resolve) => waiting.push(resolve)),
    give: (slot: SharedArrayBuffer): void => {
      const next = waiting.shift();
      if (next === undefined) free.push(slot);
      else next(slot);
    },
    retire: (): void => void idle.push(...free.splice(0).map((slot) => new WeakRef(slot))),
  };
};
