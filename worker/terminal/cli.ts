/**
 * The terminal door: the same verbs as in Slack, through the same table, for the day Slack is down.
 *
 * When the bot runs on this machine the command is handed to it; otherwise this process does the work itself. Answers go to
 * standard output, progress and log lines to standard error.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { isPlanOnly } from '../../lib/commands/grammar/command.ts';
import { commands, parseCommand, perform } from '../../lib/commands/index.ts';
import { usage } from '../../lib/commands/grammar/parse.ts';
import { compose } from '../../lib/compose.ts';
import { readConfig, type Config } from '../../lib/config.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import { columns } from '../../lib/domain/reply.ts';
import type { World } from '../../lib/ports/world.ts';
import { createLog } from '../../lib/log.ts';
import { runLines } from '../../lib/slack/run/run-lines.ts';
import { startAlone } from '../alone.ts';
import { askRunning } from './control.ts';
import { EXIT_CODES, exitCodeOf } from './exit-code.ts';
import { followRun } from './follow.ts';
import { isRestoreFrom, RESTORE_FROM_USAGE, restoreFrom } from './restore-from.ts';
import { terminalPerson } from '../../handlers/person.ts';

type Options = { config?: string; data?: string; json?: true; wait?: true };

/** Runs one command line and answers its exit status. */
export const main = async (argv: string[]): Promise<number> => {
  try {
    const program = describe();
    program.parse(argv, { from: 'user' });
    const options = program.opts<Options>();
    const [first, ...rest] = program.args;
    if (first === 'start') return await serve(readConfig(configFile(options)));
    if (first === 'worker') return await serveHost(rest[0] ?? hostname(), readConfig(configFile(options)));
    if (first === 'sandbox') return await startStandIn(rest, options);
    if (first === 'restore' && isRestoreFrom(rest)) return await restoreFrom(rest, printing);
    return await carryOut(textOf(program.args), options);
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_CODES.usage;
    const error = OctoError.from(thrown);
    print(process.stderr, [`${error.message} (${error.code})`, error.advice]);
    if (argv.includes('--json'))
      print(process.stdout, [toJson({ error: { code: error.code, message: error.message, advice: error.advice } })]);
    return exitCodeOf(error);
  }
};

/** `--data` was taken out of the words above. */
const startStandIn = async (words: string[], { data }: Options): Promise<number> => {
  const { main } = await import('../../sandbox/alone.ts');
  return main(data === undefined ? words : [...words, '--data', data]);
};

const describe = (): Command =>
  new Command('octo')
    .description('Keeps a self-hosted Octopus Deploy server recoverable.')
    .argument('[words...]', 'a command as in Slack, e.g.: backup now prod')
    .option('--config <file>', 'the configuration (default: octo.yml here, else the sandbox)')
    .option('--data <dir>', 'the directory whose octo.yml is meant')
    .option('--json', 'print the answer as JSON')
    .option('--wait', 'with `run <id>`: follow it to its end')
    .allowUnknownOption()
    .exitOverride()
    .addHelpText('after', () =>
      [
        '',
        'Commands:',
        ...columns([
          ...commands.map((command) => [`  ${usage(command)}`, command.summary]),
          [`  ${RESTORE_FROM_USAGE}`, 'take an archive apart without configuration and bot'],
          ['  start', 'run the bot on this machine'],
          ['  worker [host]', 'run the worker of this host; the bot itself is in AWS'],
          ['  sandbox slack|octopus|sql-server|s3|secrets-manager [--port N] [--data DIR]', 'start one stand-in alone'],
        ]),
        '',
        `Exit status: ${Object.entries(EXIT_CODES)
          .map(([word, code]) => `${code} ${word}`)
          .join(', ')}.`,
      ].join('\n'),
    );

/** @throws ConfigMissing when none is named and none lies where one is looked for */
const configFile = ({ config, data }: Options): string => {
  if (config !== undefined) return config;
  if (data !== undefined) return join(data, 'octo.yml');
  const tried = ['octo.yml', join('.sandbox', 'octo.yml')];
  const found = tried.find((file) => existsSync(file));
  if (found !== undefined) return found;
  const paths = tried.map((file) => resolve(file)).join(' nor ');
  throw new OctoError('ConfigMissing', `there is no configuration: neither ${paths} exists`);
};

/** The shell took the quotes; words with spaces get them back. */
const textOf = (words: readonly string[]): string =>
  words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ');

const carryOut = async (text: string, options: Options): Promise<number> => {
  const { command, args } = parseCommand(text);
  const startsRun = command.startsRun === true && !isPlanOnly(args);
  const config = readConfig(configFile(options));
  const typed = { text, account: userInfo().username, requestKey: `terminal:${randomUUID()}` };
  const isFollowed = startsRun || options.wait === true;
  const running = await askRunning(config.dataDirectory, typed);
  if (running === null && startsRun) {
    const alone = await startAlone({
      config,
      environment: process.env,
      clock: systemClock,
      log: logBeside(config),
      hasSlackDoor: false,
    });
    try {
      return await answer(alone.world, { reply: await alone.perform(typed), options, isFollowed });
    } finally {
      await alone.close();
    }
  }
  if (running === null) print(process.stderr, ['octo is not running here: runs stand still until it is (octo start)']);
  const { world, close } = await compose({ config, environment: process.env, clock: systemClock, cloudStep: noWork });
  const asked = {
    by: terminalPerson(config, typed.account),
    requestKey: typed.requestKey,
    onProgress: (line: string) => print(process.stderr, [line]),
  };
  try {
    return await answer(world, { reply: running ?? (await perform(world, text, asked)), options, isFollowed });
  } finally {
    await close();
  }
};

/** A terminal is for answers; what the worker notes goes beside the data. */
const logBeside = ({ dataDirectory }: Config) =>
  createLog({ write: (line) => appendFileSync(join(dataDirectory, 'octo.log'), line) });

/** A world that is only looked at runs nothing. */
const noWork = (): Promise<never> => Promise.reject(new OctoError('Bug', 'a step ran in a world that is only read'));

const answer = async (
  world: World,
  { reply, options, isFollowed }: { reply: Reply; options: Options; isFollowed: boolean },
): Promise<number> => {
  if (reply.runId === undefined || !isFollowed) {
    print(process.stdout, options.json === true ? [toJson(reply.json)] : [reply.headline, ...reply.lines]);
    return reply.isBad === true ? EXIT_CODES.failed : EXIT_CODES.good;
  }
  print(process.stderr, [reply.headline]);
  const view = await followRun(world, reply.runId, (line) => print(process.stderr, [line]));
  print(process.stdout, options.json === true ? [toJson(view)] : runLines(view, world.clock.now()));
  return EXIT_CODES[view.run.outcome?.word ?? 'failed'];
};

const toJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** Runs the bot until it is told to stop. */
const serve = async (config: Config): Promise<number> => {
  const alone = await startAlone({
    config,
    environment: process.env,
    clock: systemClock,
    log: createLog(),
    hasSlackDoor: true,
  });
  print(process.stdout, [
    `octo is running${alone.slackUrl === null ? '' : `; Slack's requests go to ${alone.slackUrl}`}`,
  ]);
  await toldToStop();
  await alone.close();
  return EXIT_CODES.good;
};

/** Does the work of one host until it is told to stop. */
const serveHost = async (host: string, config: Config): Promise<number> => {
  const { startWorker } = await import('../main.ts');
  const worker = await startWorker({ config, host, environment: process.env, clock: systemClock, log: createLog() });
  print(process.stdout, [`octo works for ${host}`]);
  await toldToStop();
  await worker.close();
  return EXIT_CODES.good;
};

/** By a signal, or by the end of a program that started this one with a channel. */
const toldToStop = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.once(signal, () => resolve());
    // Listening alone would keep the process from ending.
    process.channel?.unref();
  });

const print = (stream: NodeJS.WriteStream, lines: readonly string[]): void => {
  stream.write(`${lines.join('\n')}\n`);
};

const printing = {
  out: (lines: string[]): void => print(process.stdout, lines),
  progress: (line: string): void => print(process.stderr, [line]),
};
