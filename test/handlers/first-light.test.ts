/**
 * `/octo backup now` in the shape of AWS: a signed request through API Gateway, the built doors as Lambda functions, Step Functions and
 * queues, the worker on its queue, the stores in S3 and Secrets Manager; all through the SDK's clients and the wire.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { bundle, type FunctionName } from '../../infra/bundle.ts';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { compose } from '../../lib/compose.ts';
import { readConfig } from '../../lib/config.ts';
import { archiveIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { createRun, listRuns } from '../../lib/repository/run-book.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { definitions } from '../../lib/workflows/index.ts';
import { type Account, BUCKETS, startAccount } from '../../sandbox/aws/account.ts';
import type { LambdaFunction } from '../../sandbox/aws/lambda.ts';
import { lambdaProcess, type LambdaProcess } from '../../sandbox/aws/lambda/lambda-process.ts';
import { type StandIns, startStandIns } from '../../sandbox/stand-ins.ts';
import { runWorker } from '../../worker/host/poll.ts';
import { eventually } from '../journeys/installation.ts';
import { memoryLog } from '../worker/support.ts';

const directory = mkdtempSync(join(tmpdir(), 'octo-first-light-'));
const stop = new AbortController();
const log = memoryLog();
let standIns: StandIns;
let account: Account;
let world: World;
let closing: () => Promise<unknown>;

/** The environment of the functions: known when everything they talk to is there. */
const environment: Record<string, string> = {};
const processes: LambdaProcess[] = [];

/** A function as it is built, in processes of its own. */
const built = async (name: FunctionName): Promise<LambdaFunction> => {
  const [main] = await bundle(name, join(directory, 'functions'));
  const made = lambdaProcess(main!.path, () => environment);
  processes.push(made);
  return made.call;
};

type Yaml = Record<string, Record<string, unknown>>;

/** The sandbox's configuration, with stores, workflows and queues in AWS. */
const writeConfig = (): string => {
  const config = parse(readFileSync(standIns.configFile, 'utf8')) as Yaml;
  const region = 'us-east-1';
  const bucket = (name: string) => ({ bucket: name, endpoint: account.s3.url, region });
  const file = join(directory, 'octo-aws.yml');
  const stores = { archives: bucket(BUCKETS.archives), state: bucket(BUCKETS.state) };
  const secrets = { prefix: 'octo/', endpoint: account.secretsManager.url, region };
  const aws = { region, stateMachines: 'env:OCTO_STATE_MACHINES', queues: 'env:OCTO_QUEUES' };
  // Ana may back up by herself; Ben has to ask her.
  const approval = [{ effect: 'approve', who: ['ben'], verbs: ['backup'], typedConfirmation: false }];
  writeFileSync(file, stringify({ ...config, store: stores, secrets, aws, approval }));
  return file;
};

beforeAll(async () => {
  standIns = await startStandIns({
    directory,
    seed: 'first light',
    sizeMegabytes: 1,
    port: 0,
    pace: { queueMs: 100, taskSeconds: { min: 0.1, max: 0.5 }, workEverySeconds: null },
  });
  const [slack, commands, step, events] = await Promise.all([
    built('slack'),
    built('commands'),
    built('step'),
    built('events'),
  ]);
  account = await startAccount({
    directory: join(directory, 'aws'),
    functions: { slack, commands, step, events },
    definitions,
    hosts: [standIns.seeded.nodeName],
  });
  const { team, channel, apiUrl } = (parse(readFileSync(standIns.configFile, 'utf8')) as Yaml)['slack']!;
  const key = (name: string) => readFileSync(join(directory, 'keys', name), 'utf8');
  Object.assign(environment, account.environment, {
    PATH: process.env['PATH'],
    OCTO_CONFIG: writeConfig(),
    SLACK_SIGNING_SECRET: key('slack-signing-secret'),
    SLACK_BOT_TOKEN: key('slack-bot-token'),
    SLACK_TEAM: team,
    SLACK_CHANNELS: channel,
    SLACK_API_URL: apiUrl,
  });
  // The SDK in this process looks there as well.
  Object.assign(process.env, account.environment);
  standIns.slack.api.deliverTo(account.slackUrl);

  const config = readConfig(environment['OCTO_CONFIG']!);
  const noEngine = () => Promise.reject(new Error('no workflow runs here'));
  const composed = await compose({ config, environment: process.env, clock: systemClock, cloudStep: noEngine });
  world = composed.world;
  const never = { online: null, quiesced: null, timeZone: 'UTC' };
  await changeSettings(world, 'prod', (settings) => ({ ...settings, schedule: never }));
  const working = runWorker(world, { host: standIns.seeded.nodeName, loadStep, signal: stop.signal, log });
  closing = () => working.then(() => composed.close());
}, 180_000);

afterAll(async () => {
  stop.abort(new Error('the test is over'));
  await closing();
  await account.close();
  await Promise.all(processes.map((one) => one.close()));
  await standIns.close();
  rmSync(directory, { recursive: true, force: true });
});

const lastRun = async (): Promise<RunRecord | null> => (await listRuns(world, { limit: 1 }))[0] ?? null;

/** A look goes through the SDK and S3, and takes its time from what is looked at. */
const LOOK_MS = 200;

const ended = (): Promise<RunRecord> =>
  eventually(
    'the run to end',
    async () => {
      const run = await lastRun();
      return run?.status === 'ended' ? run : null;
    },
    LOOK_MS,
  );

/** The one card of a run, once it says `word`. */
const card = (runId: string, word: string) =>
  eventually(`the card to say ${word}`, async () => {
    const [only, ...others] = standIns.slack.api
      .messages()
      .filter(({ visibleTo, metadata }) => visibleTo === null && JSON.stringify(metadata).includes(`"${runId}"`));
    expect(others).toEqual([]);
    return only?.text.toLowerCase().includes(word) === true ? only : null;
  });

test('a backup runs to its good end, with one card', async () => {
  await standIns.slack.api.type('ana', '/octo backup now consistency:online');
  const run = await ended();
  expect(run).toMatchObject({ requestedBy: { person: 'ana', door: 'slack' }, outcome: { word: 'good', gaps: [] } });
  await card(run.id, 'good');
  const events = await Array.fromAsync(world.workflows.history(run.id));
  expect(Math.max(...events.map((event) => JSON.stringify(event).length))).toBeLessThanOrEqual(8192);
}, 180_000);

test('an approved one as well, where everything comes twice, nothing at the first try, and every start is cold', async () => {
  for (const one of processes) one.setCold(true);
  account.lambda.setFaults({ deliverTwice: 4, throttled: 1 });
  account.sqs.setFaults({ comeTwice: 20, throttled: 2 });
  account.stepFunctions.setFaults({ throttled: 2, unavailable: 1 });
  const earlier = await lastRun();
  await standIns.slack.api.type('ben', '/octo backup now consistency:online');
  const asked = await eventually('the run to be asked for', async () => {
    const run = await lastRun();
    return run?.id === earlier?.id ? null : run;
  });
  await card(asked.id, 'approval');
  account.lambda.setFaults({ deliverTwice: 4 });
  await standIns.slack.api.type('ana', `/octo approve ${asked.id} reason:"go on"`);
  const run = await ended();
  expect(run).toMatchObject({ id: asked.id, requestedBy: { person: 'ben' }, outcome: { word: 'good' } });
  await card(run.id, 'good');
  const states = (await Array.fromAsync(world.workflows.history(run.id)))
    .filter(({ type }) => type === 'TaskStateEntered')
    .map(({ details }) => details['name']);
  expect(states).toEqual([...new Set(states)]);
}, 180_000);

test('a run that was recorded and never started is started by the tick, also when that comes twice', async () => {
  const run = (await listRuns(world, { limit: 2 })).find(({ requestedBy }) => requestedBy.person === 'ana');
  const { fence: _fence, ...asked } = run!;
  const id = 'run_00000001';
  const requestedAt = new Date().toISOString();
  const again = { id, requestedAt, archiveId: archiveIdOf({ id, requestedAt }), status: 'running' as const };
  await createRun(world, { ...asked, ...again, endedAt: null, outcome: null });
  const ticked = await Promise.all([1, 2].map(() => account.lambda.call('events', { tick: true })));
  expect(ticked).toEqual([{ payload: null }, { payload: null }]);
  expect(await world.workflows.describe(id)).toMatchObject({ error: null, workflow: 'backup' });
}, 180_000);
