/**
 * One machine: Slack door, embedded engine, worker and cards in one process.
 *
 * It may be killed at any moment: what is under way is in the journals, the run book and the worker's records, and goes on
 * when the process is started again.
 */
import { mkdirSync } from 'node:fs';
import { resolveSecret, type Config, type SlackConfig } from '../lib/config.ts';
import { perform } from '../lib/commands/index.ts';
import { compose } from '../lib/compose.ts';
import { OctoError } from '../lib/domain/errors.ts';
import { stateKeys } from '../lib/domain/names.ts';
import type { Reply } from '../lib/domain/reply.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from '../lib/ports/clock.ts';
import type { World } from '../lib/ports/world.ts';
import { listRuns } from '../lib/repository/run-book.ts';
import { wakeDecided } from '../lib/runs/decide.ts';
import { restartRequested } from '../lib/runs/request.ts';
import { loadStep } from '../lib/steps/index.ts';
import { performCloudStep } from '../lib/steps/performing/perform-step.ts';
import { slackAnswers } from '../handlers/answers.ts';
import { keepCards } from './card-keeper.ts';
import { auditRefusals } from './door-audit.ts';
import { holdData } from './hold-data.ts';
import { serveControl, type TypedCommand } from './terminal/control.ts';
import { keepLeases } from './host/lease-keeper.ts';
import { terminalPerson } from '../handlers/person.ts';
import { runWorker } from './host/poll.ts';
import { openSlackDoor } from './slack-door.ts';
import { keepSwept } from './host/sweeper.ts';
import { keepSchedule, keepVerified, keepWatch, type TickerOptions } from './ticker.ts';

export type Alone = {
  world: World;
  /** Where Slack's requests are to be sent; null without an HTTP door. */
  slackUrl: string | null;
  perform(command: TypedCommand): Promise<Reply>;
  /** Lets each step come to a safe point, then stops. */
  close(): Promise<void>;
};

export type AloneOptions = {
  config: Config;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
  /** Without it only terminals are listened to and no schedule is kept: the process lasts as long as one command. */
  hasSlackDoor: boolean;
};

/** Cards of so many runs are looked after at a start: Slack may have been down when they ended. */
const RECENT_RUNS = 20;

/** @throws ServiceBusy when another process works on the same data */
export const startAlone = async ({ config, environment, clock, log, hasSlackDoor }: AloneOptions): Promise<Alone> => {
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const release = await holdData(config.dataDirectory);
  const stop = new AbortController();
  let noticed: (key: string) => void = () => {};
  const composed = await compose({
    config,
    environment,
    clock,
    cloudStep: (world, payload) => performCloudStep(world, { payload, loadStep, log }),
    onStateWrite: (key) => noticed(key),
    onTrouble: (error) => log.error('the engine cannot go on as it should', { error }),
  });
  const { world } = composed;
  const cards = keepCards(world, log);
  noticed = (key) => cards.noticed(key);

  await composed.resume().catch((error: unknown) => log.error('a run cannot go on; all others do', { error }));
  await restartRequested(world);
  await wakeDecided(world);
  const work = Promise.all([
    ...hostsOf(world).map((host) => runWorker(world, { host, loadStep, signal: stop.signal, log })),
    keepLeases(world, { signal: stop.signal, log }),
    keepSwept(world, { signal: stop.signal, log }),
    ...(hasSlackDoor ? keepTime(world, { channel: config.slack?.channel ?? null, signal: stop.signal, log }) : []),
  ]);
  for (const run of await listRuns(world, { limit: RECENT_RUNS })) noticed(stateKeys.run(run.id));

  const performTyped = (command: TypedCommand): Promise<Reply> =>
    perform(world, command.text, { by: terminalPerson(config, command.account), requestKey: command.requestKey });
  const stopWorking = async (): Promise<void> => {
    stop.abort(new OctoError('WorkerStopping', 'the program is being stopped'));
    await work;
    await cards.close();
    await composed.close();
    release();
  };
  const doors: { close(): Promise<void> }[] = [];
  const closeDoors = async (): Promise<void> => {
    for (const door of doors.toReversed()) await door.close();
  };
  try {
    doors.push(await serveControl(config.dataDirectory, performTyped));
    const slack =
      hasSlackDoor && config.slack !== undefined
        ? await openDoor(world, { config, slack: config.slack, environment, log })
        : null;
    if (slack !== null) doors.push(slack);
    return {
      world,
      slackUrl: slack?.url ?? null,
      perform: performTyped,
      close: () => closeDoors().then(stopWorking),
    };
  } catch (thrown) {
    // Nobody would hear of a program that works behind a closed door.
    await closeDoors();
    await stopWorking();
    throw thrown;
  }
};

const keepTime = (world: World, options: TickerOptions): Promise<void>[] => [
  keepSchedule(world, options),
  keepWatch(world, options),
  keepVerified(world, options),
];

/** On one machine this process is the worker of every host. */
const hostsOf = (world: World): string[] => [
  ...new Set([
    ...world.instanceNames().flatMap((name) => world.instance(name).hosts.map((host) => host.name)),
    ...(world.drillPlace?.own == null ? [] : [world.drillPlace.own.host.name]),
  ]),
];

const openDoor = (
  world: World,
  { config, slack, environment, log }: { config: Config; slack: SlackConfig; environment: NodeJS.ProcessEnv; log: Log },
) => {
  const secret = (reference: string) => resolveSecret(reference, environment);
  return openSlackDoor({
    ...(slack.mode === 'http'
      ? { mode: 'http', port: slack.port, signingSecret: secret(slack.signingSecret) }
      : { mode: 'socket', appToken: secret(slack.appToken) }),
    botToken: secret(slack.botToken),
    ...(slack.apiUrl === undefined ? {} : { apiUrl: slack.apiUrl }),
    allow: { team: slack.team, channels: [slack.channel] },
    handOver: slackAnswers(world, config),
    log: ({ level, message, code }) => log[level](message, code === undefined ? {} : { code }),
    onRefused: auditRefusals(world, log),
  });
};
