/**
 * `npm start`: the whole product on one machine with nothing but Node, against stand-ins behind their real protocols.
 *
 * The product runs as a process of its own, started as an administrator would start it: `octo start --config octo.yml`.
 * With `--once "/octo …"` a command is typed into the channel, its story is printed, and the exit status is its outcome.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { faultBoard } from './fault-board.ts';
import { readFault } from './faults.ts';
import { type Hold, holdSandbox } from './hold.ts';
import { typeOnce } from './once.ts';
import { HELP, type Options, readOptions, USAGE } from './options.ts';
import { startStandIns, type StandIns } from './stand-ins.ts';

const OCTO = fileURLToPath(new URL('../worker/octo.js', import.meta.url));
const USAGE_STATUS = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2));
  if (typeof options === 'string') {
    complain(`${options}\n\n${USAGE}`);
    return USAGE_STATUS;
  }
  if (options.isHelp) {
    say(HELP);
    return 0;
  }
  const hold = holdSandbox(options.directory);
  if (typeof hold === 'string') {
    complain(hold);
    return USAGE_STATUS;
  }
  try {
    if (await isFree(options.port)) return await run(options, hold);
    complain(`Port ${options.port} is taken; name another with --port, or 0 for a free one.`);
    return USAGE_STATUS;
  } finally {
    hold.release();
  }
};

/** Asked before minutes are spent on a first start. */
const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
};

const run = async (options: Options, hold: Hold): Promise<number> => {
  const logFile = join(options.directory, 'octo.log');
  say(`starting the sandbox in ${shown(options.directory)}; the log of octo is ${shown(logFile)} …`);
  const standIns = await startStandIns({
    directory: options.directory,
    seed: options.seed,
    sizeMegabytes: options.sizeMegabytes,
    port: options.port,
    hasS3: options.hasS3,
    needsApproval: options.needsApproval,
    hasSpare: options.hasSpare,
  });
  hold.reachedAt(standIns.slack.url);
  const board = faultBoard(standIns);
  standIns.slack.api.offerFaults(board);
  let product: ChildProcess | null = null;
  try {
    product = await startProduct(standIns, logFile);
    if (product === null) return 1;
    for (const text of options.faults) {
      const { name, value } = readFault(text)!;
      await board.turn(name, { isOn: true, value });
    }
    const status = await Promise.race([serve(standIns, options), ended(product)]);
    if (typeof status === 'number') return status;
    complain(`${status}; its log is ${shown(logFile)}. Start again: what was under way goes on.`);
    return 1;
  } finally {
    if (product !== null) await stopped(product);
    await board.mend();
    await standIns.close();
  }
};

/** As short as it can be said from here. */
const shown = (path: string): string => {
  const fromHere = relative('', path);
  return fromHere.startsWith('..') ? path : fromHere || '.';
};

/** Until the command has ended, or until it is told to stop. */
const serve = ({ slack, ...standIns }: StandIns, { once: command, person }: Options): Promise<number> => {
  const isTold = new Promise<number>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(command === null ? 0 : 1));
  });
  if (command !== null) {
    return Promise.race([
      isTold,
      typeOnce({ slack, person, command, say, follow: (runId) => follow(standIns, runId) }),
    ]);
  }
  say(`\n  Open ${slack.url} and type /octo backup now\n`);
  say(`  In another terminal: npx octo status --config ${standIns.configFile}`);
  return isTold;
};

/** The product in its own process, once it listens to Slack; null when it did not start, after saying why. */
const startProduct = async (
  { configFile, environment, slack }: StandIns,
  logFile: string,
): Promise<ChildProcess | null> => {
  const log = openSync(logFile, 'a', 0o600);
  const { size: sizeBefore } = fstatSync(log);
  const product = spawn(process.execPath, [OCTO, 'start', '--config', configFile], {
    // The channel breaks however this process ends: octo then stops too, and does not hold on to data without its stand-ins.
    stdio: ['ignore', 'pipe', log, 'ipc'],
    env: { ...process.env, ...environment },
  });
  closeSync(log);
  const exit = once(product, 'exit');
  const url = await Promise.race([addressIn(product), exit.then(() => null)]);
  if (url === null) {
    complain(`octo did not start:\n${readFileSync(logFile).subarray(sizeBefore).toString().trimEnd()}`);
    return null;
  }
  slack.api.deliverTo(url);
  return product;
};

const addressIn = async ({ stdout }: ChildProcess): Promise<string | null> => {
  for await (const line of createInterface({ input: stdout! })) {
    const address = /https?:\S+/.exec(line)?.[0];
    if (address !== undefined) return address;
  }
  return null;
};

/** How octo ended by itself: without it the page answers nobody, and whoever follows a run would wait for ever. */
const ended = async (product: ChildProcess): Promise<string> => {
  if (product.exitCode === null && product.signalCode === null) await once(product, 'exit');
  return `octo has ended (${product.signalCode ?? `status ${product.exitCode}`})`;
};

const stopped = async (product: ChildProcess): Promise<void> => {
  if (product.exitCode !== null || product.signalCode !== null) return;
  const exit = once(product, 'exit');
  product.kill('SIGTERM');
  await exit;
};

/** The status of `octo run <id> --wait`. */
const follow = async (
  { configFile, environment }: Pick<StandIns, 'configFile' | 'environment'>,
  runId: string,
): Promise<number> => {
  const env = { ...process.env, ...environment };
  const octo = [OCTO, 'run', runId, '--wait', '--config', configFile];
  const child = spawn(process.execPath, octo, { stdio: 'ignore', env });
  // It follows for as long as somebody waits here, and no longer.
  child.unref();
  process.once('exit', () => child.kill());
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
};

process.exitCode = await main();
