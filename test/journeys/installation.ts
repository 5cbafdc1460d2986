/**
 * A whole installation for a journey: stand-ins behind their real protocols, the product as a process that can be killed,
 * and a world of the test's own to look at what is stored. Nothing inside the product is reached into.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { compose } from '../../lib/compose.ts';
import { readConfig } from '../../lib/config.ts';
import type { RunView } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { listArchives } from '../../lib/repository/catalog.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { readView } from '../../lib/runs/report.ts';
import { playFaults } from '../../sandbox/faults.ts';
import { type StandIns, startStandIns } from '../../sandbox/stand-ins.ts';

const PRODUCT = fileURLToPath(new URL('product.ts', import.meta.url));
const RATE = 20;
const LOOK_MS = 20;
/** A look at a run reads all its notes: too dear to be repeated so often until its end, which does not go by. */
const LOOK_FOR_END_MS = 100;
/** Two cores may carry three test files at a time; a restore is a backup and then some. */
const PATIENCE_MS = 150_000;

export type Installation = StandIns & {
  directory: string;
  world: World;
  /** Types `/octo …` as a person and answers the run it started or joined. */
  ask(person: string, command: string): Promise<string>;
  /** The run as soon as `isThere` holds of it. */
  until(runId: string, isThere: (view: RunView) => boolean): Promise<RunView>;
  ended(runId: string): Promise<RunView>;
  /** The run's card as text, as soon as it says how the run ended. */
  lastWord(runId: string): Promise<string>;
  /** The archives that are listed, oldest first. */
  listed(): Promise<string[]>;
  /** What users meet, asked of Octopus itself: the names of nodes that take no tasks, or `maintenance`. */
  closedDoors(): Promise<string[]>;
  /** Plays a bad day of `sandbox/faults.ts`, and returns how to end it. */
  fault(text: string): Promise<() => Promise<void>>;
  /** `kill -9`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Everything the product has written to its log so far. */
  log(): string;
  remove(): Promise<void>;
};

/** `hasS3`: the archives are in the S3 stand-in. */
export const install = async ({
  sizeMegabytes = 1,
  hasS3 = false,
  hasSchedule = false,
  hasSpare = false,
} = {}): Promise<Installation> => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-journey-'));
  const standIns = await startStandIns({
    directory,
    seed: 'journey',
    sizeMegabytes,
    port: 0,
    hasS3,
    hasSpare,
    pace: { queueMs: 100, taskSeconds: { min: 0.1, max: 0.5 }, workEverySeconds: null },
  });
  // The AWS SDK looks for its credentials there, and nowhere that a test could pass them to.
  Object.assign(process.env, standIns.environment);
  const { world, close } = await compose({
    config: readConfig(standIns.configFile),
    environment: process.env,
    clock: systemClock,
    cloudStep: () => Promise.reject(new Error('the test only looks')),
  });
  const logFile = join(directory, 'product.log');
  let product: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    product = spawn(process.execPath, [PRODUCT, standIns.configFile, String(RATE)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    product.stderr?.pipe(createWriteStream(logFile, { flags: 'a' }));
    const first = once(createInterface({ input: product.stdout! }), 'line');
    const died = once(product, 'exit').then(() =>
      Promise.reject(new Error(`no product: ${readFileSync(logFile, 'utf8')}`)),
    );
    const [url] = (await Promise.race([first, died])) as [string];
    standIns.slack.api.deliverTo(url);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (product === null || product.exitCode !== null || product.signalCode !== null) return;
    product.kill(signal);
    await once(product, 'exit');
  };
  const until = (runId: string, isThere: (view: RunView) => boolean, everyMs = LOOK_MS): Promise<RunView> =>
    eventually(
      `${runId} to get there`,
      async () => {
        const view = await readView(world, runId);
        return view !== null && isThere(view) ? view : null;
      },
      everyMs,
    );
  // A journey that is not about the schedule is not crossed by it.
  const never = { online: null, quiesced: null, timeZone: 'UTC' };
  if (!hasSchedule) await changeSettings(world, 'prod', (settings) => ({ ...settings, schedule: never }));
  await start();
  return {
    ...standIns,
    directory,
    world,
    ask: async (person, command) => {
      const before = standIns.slack.api.messages().length;
      await standIns.slack.api.type(person, command);
      return eventually(`an answer to ${command}`, async () => {
        const fresh = JSON.stringify(standIns.slack.api.messages().slice(before));
        return /run_[0-9A-Z]{8}/.exec(fresh)?.[0] ?? null;
      });
    },
    until,
    ended: (runId) => until(runId, ({ run }) => run.status === 'ended', LOOK_FOR_END_MS),
    lastWord: (runId) =>
      eventually('the last word on the card', async () => {
        const card = standIns.slack.api
          .messages()
          .find(({ visibleTo, blocks }) => visibleTo === null && JSON.stringify(blocks).includes(runId));
        const text = JSON.stringify(card?.blocks ?? []);
        return text.includes('Safe now') ? text : null;
      }),
    listed: async () => {
      const ids: string[] = [];
      for await (const { archiveId } of listArchives(world, 'prod')) ids.unshift(archiveId);
      return ids;
    },
    closedDoors: async () => {
      const api = await world.octopusApi('prod');
      const drained = (await api.nodes()).filter(({ isDraining }) => isDraining).map(({ name }) => name);
      return [...((await api.isInMaintenance()) ? ['maintenance'] : []), ...drained];
    },
    fault: (text) => playFaults(standIns, [text]),
    kill: () => end('SIGKILL'),
    start,
    log: () => readFileSync(logFile, 'utf8'),
    remove: async () => {
      await end('SIGTERM');
      await close();
      await standIns.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** What `look` finds, as soon as it finds something. */
export const eventually = async <T>(what: string, look: () => Promise<T | null>, everyMs = LOOK_MS): Promise<T> => {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await systemClock.sleep(everyMs);
  }
  throw new Error(`waited in vain for ${what}`);
};
