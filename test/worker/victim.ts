/**
 * A whole worker over one directory, made to be killed: workflow, Octopus flags, effects and calls are files, so that
 * whoever comes after the kill finds everything as it was. As a program it looks at its files after each call to anything
 * outside, and kills itself when they have changed for the Nth time.
 *
 *     node victim.ts DIRECTORY N
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { HostTasks } from '../../lib/ports/workflow-runtime.ts';
import type { World } from '../../lib/ports/world.ts';
import { claimFlags, closeLease, openLease, readLease } from '../../lib/repository/lease/lease.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { restoreFromLease } from '../../lib/repository/lease/restore-lease.ts';
import { defineStep, type Step } from '../../lib/steps/step.ts';
import { runWorker } from '../../worker/host/poll.ts';
import { enteredRun, HOST, taskBody, worldOver, type ServerFlags } from './world.ts';

const STATES = ['Quiesce', 'Work', 'Resume'];

/** Flags in a file: `{ isInMaintenance, isDraining }`. */
const serverIn = (directory: string): ServerFlags => {
  const file = join(directory, 'server.json');
  type Stored = { isInMaintenance: boolean; isDraining: boolean };
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as Stored;
  const write = (changes: Partial<Stored>) => writeFileSync(file, JSON.stringify({ ...read(), ...changes }));
  const node = {
    name: 'A',
    get isDraining() {
      return read().isDraining;
    },
    set isDraining(isDraining: boolean) {
      write({ isDraining });
    },
  };
  return {
    nodes: [node],
    get isInMaintenance() {
      return read().isInMaintenance;
    },
    set isInMaintenance(isInMaintenance: boolean) {
      write({ isInMaintenance });
    },
  };
};

/** One state after the other, as SQS delivers them: a message that was acknowledged never comes again. */
const workflowIn = (directory: string): HostTasks => {
  const file = (kind: string, token: string) => join(directory, kind, token);
  const present = () => STATES.find((state) => !existsSync(file('answered', state)));
  const answer = (token: string, result: unknown) => {
    if (token !== present()) throw new OctoError('TaskGone', 'nobody waits');
    if (result !== undefined) writeFileSync(file('answered', token), JSON.stringify(result), { flag: 'wx' });
  };
  for (const kind of ['answered', 'acknowledged']) mkdirSync(join(directory, kind), { recursive: true });
  return {
    take: async () => {
      const state = present();
      if (state !== undefined && !existsSync(file('acknowledged', state))) {
        const body = taskBody({ token: state, state, step: state, notAfter: '2999-01-01T00:00:00.000Z' });
        return { receipt: state, body };
      }
      await sleep(1);
      return null;
    },
    acknowledge: async ({ receipt }) => writeFileSync(file('acknowledged', receipt), ''),
    beat: async (token) => answer(token, undefined),
    succeed: async (token, output) => answer(token, output),
    fail: async (token, failure) => answer(token, failure),
  };
};

/** The steps: quiet, an effect that must stand once, the way back. Each finds its own finished work. */
const stepsIn = (directory: string): Record<string, Step['perform']> => ({
  Quiesce: async (world, _input, { run }) => {
    await openLease(world, run, { quietMinutes: 60 });
    const api = await world.octopusApi(run.instance);
    const isInMaintenance = await api.isInMaintenance();
    const nodes = (await api.nodes()).filter((node) => !node.isDraining);
    await claimFlags(world, run.id, (own) => ({
      isInMaintenance: own.isInMaintenance || !isInMaintenance,
      nodeIds: [...new Set([...own.nodeIds, ...nodes.map(({ id }) => id)])],
    }));
    if (!isInMaintenance) await api.setMaintenance(true);
    for (const node of nodes) await api.setDraining(node, true);
    return 'quiet';
  },
  Work: async (_world, _input, { beat }) => {
    await beat();
    appendFileSync(join(directory, 'performed'), 'Work\n');
    return 'worked';
  },
  Resume: async (world, _input, { run }) => {
    const lease = await readLease(world, run.id);
    if (lease) await restoreFromLease(world, lease);
    await closeLease(world, run.id);
    return 'resumed';
  },
});

/** The world of the victim; `onCall` hears of each finished call to anything outside. */
export const victimWorld = (directory: string, onCall: (name: string) => void = () => {}): World => {
  const hostTasks = observed(workflowIn(directory), onCall);
  const world = worldOver({ directory, clock: systemClock, server: serverIn(directory), hostTasks });
  return {
    ...world,
    state: observed(world.state, onCall),
    octopusApi: async (instance) => observed(await world.octopusApi(instance), onCall),
  };
};

/** Works until the workflow has an answer to each of its states, and gives the answers. */
export const workToTheEnd = async (directory: string, world: World): Promise<unknown[]> => {
  const stop = new AbortController();
  const take: HostTasks['take'] = (...asked) => {
    if (STATES.every((state) => existsSync(join(directory, 'answered', state)))) stop.abort();
    return world.hostTasks.take(...asked);
  };
  const steps = stepsIn(directory);
  const loadStep = async (name: string): Promise<Step> => ({
    ...defineStep({ name, runsOn: 'host', input: z.unknown(), output: z.unknown() }, steps[name]!),
    isWayOut: name === 'Resume',
  });
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const hostTasks = { ...world.hostTasks, take };
  await runWorker({ ...world, hostTasks }, { host: HOST, loadStep, signal: stop.signal, log: silent });
  return STATES.map((state) => JSON.parse(readFileSync(join(directory, 'answered', state), 'utf8')) as unknown);
};

/** A run that holds its lock, and a server with these flags. */
export const prepareVictim = async (
  directory: string,
  server: { isInMaintenance: boolean; isDraining: boolean },
): Promise<void> => {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'server.json'), JSON.stringify(server));
  const world = victimWorld(directory);
  await takeLock(world, await enteredRun(world));
};

/** Tells of every call once it has been answered; an empty-handed `take` is none. */
const observed = <T extends object>(port: T, onCall: (name: string) => void): T =>
  new Proxy(port, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || name === 'list') return method;
      return async (...given: unknown[]) => {
        const answer: unknown = await Reflect.apply(method, target, given);
        if (name !== 'take' || answer !== null) onCall(String(name));
        return answer;
      };
    },
  });

/** All files with their sizes and times: equal while nothing was written. */
const traceOf = (directory: string): string =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'calls')
    .map((name) => {
      const { size, mtimeNs } = statSync(join(directory, name), { bigint: true });
      return `${name} ${size} ${mtimeNs}`;
    })
    .join('\n');

if (process.argv[1] === import.meta.filename) {
  const [directory = '', killAt = ''] = process.argv.slice(2);
  let trace = traceOf(directory);
  let written = 0;
  const world = victimWorld(directory, (name) => {
    appendFileSync(join(directory, 'calls'), `${name}\n`);
    const present = traceOf(directory);
    if (present !== trace && ++written === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    trace = present;
  });
  await workToTheEnd(directory, world);
}
