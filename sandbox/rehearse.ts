/**
 * `npm run rehearse`: the whole deployment to AWS on this machine. The functions are the built bundles, each in processes of its own;
 * the worker is the program that is installed on a host; API Gateway, Lambda, Step Functions, queues, buckets and secrets are
 * stand-ins that only the official clients talk to. People ask in the channel: for a backup, for one that somebody else has to
 * approve on a bad day, for a restore that is approved, and for one that is denied.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle } from '../infra/bundle.ts';
import { type Account, startAccount } from './aws/account.ts';
import type { LambdaFunction } from './aws/lambda.ts';
import { lambdaProcess, type LambdaProcess } from './aws/lambda/lambda-process.ts';
import { configureOnAws } from './stand-ins-on-aws.ts';
import { type StandIns, startStandIns } from './stand-ins.ts';

const ROOT = join(import.meta.dirname, '..');
const USED = ['slack', 'commands', 'step', 'events'] as const;
const PATIENCE_MS = 240_000;
const LOOK_MS = 200;

/** What came of one part: the last words of its run's card, and what AWS would have counted meanwhile. */
export type Part = { name: string; runId: string; word: string; seconds: number; counted: Record<string, number> };

type Stage = {
  standIns: StandIns;
  account: Account;
  processes: LambdaProcess[];
  counted: Map<string, number>;
  say: (line: string) => void;
};

/** Runs `parts` (all of them unless told otherwise) in `directory`, one after the other; rejects when one ends otherwise than it should. */
export const rehearse = async ({
  directory,
  say,
  parts = Object.keys(PARTS),
}: {
  directory: string;
  say: (line: string) => void;
  parts?: readonly string[];
}): Promise<Part[]> => {
  const environment: Record<string, string> = {};
  const processes: LambdaProcess[] = [];
  const counted = new Map<string, number>();
  const count = (what: string): void => void counted.set(what, (counted.get(what) ?? 0) + 1);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const pace = { queueMs: 100, taskSeconds: { min: 0.1, max: 0.5 }, workEverySeconds: null };
    const standIns = await startStandIns({ directory, seed: 'rehearsal', sizeMegabytes: 1, port: 0, pace });
    closing.push(() => standIns.close());
    say('building the functions …');
    const functions = await builtFunctions(join(directory, 'functions'), { environment, processes, count });
    const hosts = [standIns.seeded.nodeName];
    const account = await startAccount({
      directory: join(directory, 'aws'),
      functions,
      definitions: definitions(),
      hosts,
      onOperation: (operation) => count(`S3 ${operation}`),
    });
    closing.push(() => Promise.all(processes.map((one) => one.close())));
    closing.push(() => account.close());
    const { configFile, environment: known } = configureOnAws(standIns, { directory, account });
    Object.assign(environment, known);
    standIns.slack.api.deliverTo(account.slackUrl);
    const worker = startWorker(standIns.seeded.nodeName, { configFile, environment });
    closing.push(() => stop(worker));
    const stage = { standIns, account, processes, counted, say };
    const done: Part[] = [];
    for (const name of parts) done.push(await play(stage, name));
    return done;
  } finally {
    for (const close of closing.toReversed()) await close();
  }
};

type Building = { environment: Record<string, string>; count: (what: string) => void };

const builtFunctions = async (
  directory: string,
  { environment, processes, count }: Pick<Stage, 'processes'> & Building,
): Promise<Record<(typeof USED)[number], LambdaFunction>> => {
  const built = USED.map(async (name) => {
    const [main] = await bundle(name, directory);
    const made = lambdaProcess(main!.path, () => environment);
    processes.push(made);
    const call: LambdaFunction = (event, context) => {
      count(`Lambda ${name}`);
      return made.call(event, context);
    };
    return [name, call] as const;
  });
  return Object.fromEntries(await Promise.all(built)) as Record<(typeof USED)[number], LambdaFunction>;
};

/** The very files that are deployed. */
const definitions = (): Record<string, unknown> =>
  Object.fromEntries(
    globSync(join(ROOT, 'lib', 'workflows', '*.asl.json')).map((file) => [
      basename(file, '.asl.json'),
      JSON.parse(readFileSync(file, 'utf8')) as unknown,
    ]),
  );

const startWorker = (
  host: string,
  { configFile, environment }: { configFile: string; environment: Record<string, string> },
): ChildProcess =>
  spawn(process.execPath, [join(ROOT, 'worker', 'octo.js'), 'worker', host, '--config', configFile], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

type Play = { wanted: string; act: (stage: Stage) => Promise<string> };

const PARTS: Readonly<Record<string, Play>> = {
  'a backup': { wanted: 'Backup good', act: (stage) => ask(stage, 'ana', '/octo backup now consistency:online') },
  'an approved backup, with redelivery, throttling and cold starts': {
    wanted: 'Backup good',
    act: async (stage) => {
      badDay(stage);
      const runId = await ask(stage, 'ben', '/octo backup now');
      await decide(stage, `/octo approve ${runId}`, runId);
      return runId;
    },
  },
  'an approved restore': {
    wanted: 'Restore good',
    act: async (stage) => {
      const runId = await askByForm(stage, '/octo restore latest to prod reason:"rehearsal"');
      await decide(stage, `/octo approve ${runId} confirm:prod`, runId);
      return runId;
    },
  },
  'a restore that is denied': {
    wanted: 'enied',
    act: async (stage) => {
      const runId = await askByForm(stage, '/octo restore latest to prod');
      await decide(stage, `/octo deny ${runId} reason:"not today"`, runId);
      return runId;
    },
  },
};

/** The names of the parts, in their order. */
export const partNames = (): string[] => Object.keys(PARTS);

const play = async (stage: Stage, name: string): Promise<Part> => {
  const { wanted, act } = PARTS[name]!;
  stage.say(`${name} …`);
  stage.counted.clear();
  const startedMs = Date.now();
  const runId = await act(stage);
  const word = await eventually(`the card of ${name} to say "${wanted}"`, () => endedCard(stage, runId));
  const seconds = Math.round((Date.now() - startedMs) / 1000);
  stage.say(`${name}: ${word} (${runId}, ${seconds} s)`);
  if (!word.includes(wanted)) throw new Error(`${name} ended with "${word}"`);
  const counted = { ...Object.fromEntries(stage.counted), transitions: await transitionsOf(stage, runId) };
  stage.say(JSON.stringify(counted));
  return { name, runId, word, seconds, counted };
};

/** States entered: what Step Functions charges for. */
const transitionsOf = async ({ account }: Stage, runId: string): Promise<number> => {
  const prefix = account.environment['OCTO_STATE_MACHINES']!.replace(':stateMachine:', ':execution:');
  for (const workflow of Object.keys(definitions())) {
    const asked = { executionArn: `${prefix}${workflow}:${runId}`, maxResults: 1000 };
    const answer = await account.stepFunctions.call('GetExecutionHistory', asked).catch(() => null);
    const events = (answer?.['events'] ?? null) as { type: string }[] | null;
    if (events !== null) return events.filter(({ type }) => type.endsWith('StateEntered')).length;
  }
  return 0;
};

/** Everything comes twice, some calls are throttled, and every start is cold. */
const badDay = ({ account, processes }: Stage): void => {
  for (const one of processes) one.setCold(true);
  account.lambda.setFaults({ deliverTwice: 4, throttled: 1 });
  account.sqs.setFaults({ comeTwice: 20, throttled: 2 });
  account.stepFunctions.setFaults({ throttled: 2, unavailable: 1 });
};

const ask = async (stage: Stage, who: string, command: string): Promise<string> => {
  const earlier = new Set(runsIn(stage));
  await stage.standIns.slack.api.type(who, command);
  return eventually(`the run of ${command}`, () => runsIn(stage).find((id) => !earlier.has(id)) ?? null);
};

const askByForm = async (stage: Stage, command: string): Promise<string> => {
  const { api } = stage.standIns.slack;
  const earlier = new Set(runsIn(stage));
  await api.type('ana', command);
  const form = await eventually(
    `the form of ${command}`,
    () => api.forms('ana').find(({ body }) => JSON.stringify(body).includes('Ask for it')) ?? null,
  );
  const { errors, failure } = await api.submit('ana', form.id, {});
  if (errors !== null || failure !== null)
    throw new Error(`the form was refused: ${failure ?? JSON.stringify(errors)}`);
  return eventually(`the run of ${command}`, () => runsIn(stage).find((id) => !earlier.has(id)) ?? null);
};

/** Somebody else decides, once the card asks for it. */
const decide = async (stage: Stage, command: string, runId: string): Promise<void> => {
  await eventually(`the card of ${runId} to ask`, () => (/approval/i.test(cardText(stage, runId)) ? true : null));
  await stage.standIns.slack.api.type(runId === lastOf(stage, 'ben') ? 'ana' : 'ben', command);
};

const lastOf = (stage: Stage, who: string): string | null =>
  cards(stage).find(({ text }) => text.includes(`asked by ${who}`))?.runId ?? null;

const cards = ({ standIns }: Stage): { runId: string; text: string }[] =>
  standIns.slack.api
    .messages()
    .filter(({ visibleTo }) => visibleTo === null)
    .flatMap((message) => {
      const runId = /run_[0-9A-Z]{8}/.exec(JSON.stringify(message.metadata ?? null))?.[0];
      return runId === undefined ? [] : [{ runId, text: `${message.text} ${JSON.stringify(message.blocks)}` }];
    })
    .toReversed();

const runsIn = (stage: Stage): string[] => cards(stage).map(({ runId }) => runId);
const cardText = (stage: Stage, runId: string): string => cards(stage).find((card) => card.runId === runId)?.text ?? '';

const ENDED = /(Backup|Restore) (good|complete with gaps|suspicious|failed|refused|denied|expired)[^"\\·]*|[Dd]enied/;

const endedCard = (stage: Stage, runId: string): string | null =>
  ENDED.exec(cardText(stage, runId))?.[0].trim() ?? null;

const eventually = async <T>(what: string, look: () => T | null): Promise<T> => {
  for (const endMs = Date.now() + PATIENCE_MS; Date.now() < endMs;) {
    const found = look();
    if (found !== null) return found;
    await sleep(LOOK_MS);
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
};

if (import.meta.main) {
  const directory = mkdtempSync(join(tmpdir(), 'octo-rehearsal-'));
  try {
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    const done = await rehearse({ directory, say });
    say(`${done.length} of ${partNames().length} parts went as they should.`);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
