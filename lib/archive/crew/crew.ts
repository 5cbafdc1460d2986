/**
 * Worker threads and the shared buffers they fill or empty: all the memory that bulk data ever takes.
 *
 * The main thread keeps the store traffic and the planning; workers read, hash and compress in plain synchronous code,
 * which beats asynchronous calls by far (fewer hops, no promise a file).
 */
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Jobs, type Order, type Reply, perform } from './jobs.ts';

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

/** So little is done sooner than a thread is started, no file in it is cut, and even a slow share holds nobody up for long. */
const LITTLE = { bytes: 4 << 20, files: 500 };

/** For so many bytes another thread is worth its start. */
const THREAD_BYTES = 8 << 20;

/** The `mostTasks` of work on so many bytes in so many files. */
export const tasksIn = (bytes: number, files = 1): number =>
  bytes <= LITTLE.bytes && files <= LITTLE.files ? 0 : Math.max(1, Math.ceil(bytes / THREAD_BYTES));

/** Without threads where `mostTasks` is 0. */
export const openCrew = (options: { slotBytes: number; mostTasks: number; signal?: AbortSignal | undefined }): Crew => {
  const size = Math.min(availableParallelism(), options.mostTasks);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const hands = size === 0 ? [inThisThread] : Array.from({ length: size }, () => startThread());
  const slots = slotPool(hands.length + TRANSFERS, options.slotBytes);
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
      const lanes = hands.map((hand) => lane(hand));
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
      await Promise.all(hands.map((hand) => hand.close()));
      slots.retire();
    },
  };
};

const askBy = (send: (order: Order) => Promise<Reply>): Ask =>
  (async (job: keyof Jobs, input: never) => {
    const reply = await send({ job, input });
    if ('result' in reply) return reply.result;
    const { message, code } = reply.failure;
    throw Object.assign(new Error(`${job}: ${message}`), { code });
  }) as Ask;

type Hand = { ask: Ask; close(): Promise<unknown> };

/** Does its jobs in the order in which they were asked for, and answers them so. */
const startThread = (): Hand => {
  // Where the program keeps compiled code, its threads do as well: it halves their start and saves 25 MB each.
  const cache = getCompileCacheDir();
  const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    env,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const waiting: ((reply: Reply) => void)[] = [];
  const fail = (cause: Error): void => {
    for (const settle of waiting.splice(0)) settle({ failure: { message: `a worker thread ended: ${cause.message}` } });
  };
  worker.on('message', (reply: Reply) => waiting.shift()?.(reply));
  worker.on('error', fail);
  const send = (order: Order): Promise<Reply> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      worker.postMessage(order, []);
    });
  return { ask: askBy(send), close: () => worker.terminate() };
};

/** No thread: for work that takes less time than starting one. */
const inThisThread: Hand = { ask: askBy(async (order) => perform(order)), close: async () => undefined };

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
