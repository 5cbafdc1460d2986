/**
 * The cold Slack door: its size, and how long a new process takes from its start to an acknowledged command, beside a door
 * written by hand that only verifies and acknowledges. `node test/bench/cold-door.ts [rounds]`
 *
 * The bot's door has handed the command over by then to a Lambda stand-in in this process. Rounds take turns,
 * so that whatever else the machine does meets all of them; medians, and their ratio to the floor, are printed. On a busy machine the
 * ratio of processor time is the one to go by.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../infra/bundle.ts';
import { eventOf } from '../../sandbox/aws/api-gateway.ts';
import { startLambda } from '../../sandbox/aws/lambda.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { signature } from '../../sandbox/slack/delivery.ts';

const ROUNDS = Number(process.argv[2] ?? 20);
const SECRET = 'bench-signing-secret';
const CHILD = join(import.meta.dirname, 'cold', 'first-request.mjs');
const FLOOR = join(import.meta.dirname, 'cold', 'floor.mjs');

const signedEvent = (secret: string): string => {
  const fields = {
    command: '/octo',
    text: 'backup now',
    team_id: 'T1',
    channel_id: 'C1',
    user_id: 'U1',
    trigger_id: '1',
  };
  const body = new URLSearchParams(fields).toString();
  const seconds = Math.floor(Date.now() / 1000);
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': String(seconds),
    'x-slack-signature': signature(secret, seconds, body),
  };
  const request = { method: 'POST', url: '/slack/events', headers, httpVersion: '1.1' };
  return JSON.stringify(eventOf(request, { bytes: Buffer.from(body), routeKey: 'POST /slack/events' }));
};

type Variant = { name: string; handler: string; secret: string; expected: string };

/** Wall and processor time from the start of a process to its answer. */
type Cold = { wallMs: number; cpuMs: number };

const cold = async ({ handler, secret, expected }: Variant, environment: NodeJS.ProcessEnv): Promise<Cold> => {
  const env = { ...environment, EVENT: signedEvent(secret) };
  const startedAt = performance.now();
  const child = spawn(process.execPath, [CHILD, handler], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  const wallMs = performance.now() - startedAt;
  await once(child, 'exit');
  const [status, cpu] = answer.toString().split(' ');
  if (status !== expected) throw new Error(`${handler} answered ${status}`);
  return { wallMs, cpuMs: Number(cpu) };
};

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const directory = await mkdtemp(join(tmpdir(), 'octo-cold-'));
let taken = 0;
const lambda = await startLambda({ functions: { commands: () => Promise.resolve((taken += 1)) } });
try {
  const files = await bundle('slack', directory);
  const door = files[0]!.path;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  process.stdout.write(`bundle: ${(bytes / 1024).toFixed(0)} KiB in ${files.length} file\n`);

  const variants: Variant[] = [
    { name: 'verify and acknowledge, by hand', handler: FLOOR, secret: SECRET, expected: '200' },
    { name: 'door, a forged request refused', handler: door, secret: 'guess', expected: '401' },
    { name: 'door, a command handed over and acknowledged', handler: door, secret: SECRET, expected: '200' },
  ];
  const environment = {
    AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    SLACK_SIGNING_SECRET: SECRET,
    SLACK_BOT_TOKEN: 'xoxb-bench',
    SLACK_TEAM: 'T1',
    SLACK_CHANNELS: 'C1',
    OCTO_COMMANDS_FUNCTION: 'commands',
  };
  const times = new Map(variants.map((variant) => [variant, [] as Cold[]]));
  for (let round = 0; round < ROUNDS; round++)
    for (const variant of variants) times.get(variant)?.push(await cold(variant, environment));
  const medians = (colds: Cold[]): Cold => ({
    wallMs: median(colds.map(({ wallMs }) => wallMs)),
    cpuMs: median(colds.map(({ cpuMs }) => cpuMs)),
  });
  const floor = medians(times.get(variants[0]!) ?? []);
  for (const [{ name }, took] of times) {
    const { wallMs, cpuMs } = medians(took);
    const wall = `${wallMs.toFixed(0)} ms, ${(wallMs / floor.wallMs).toFixed(2)}x`;
    const cpu = `processor ${cpuMs.toFixed(0)} ms, ${(cpuMs / floor.cpuMs).toFixed(2)}x`;
    process.stdout.write(`${name}: ${wall}; ${cpu}\n`);
  }
  await lambda.idle();
  if (taken !== ROUNDS) throw new Error(`${taken} of ${ROUNDS} commands were handed over`);
} finally {
  await lambda.close();
  await rm(directory, { recursive: true });
}
