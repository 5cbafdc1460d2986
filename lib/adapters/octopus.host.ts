/**
 * The `Octopus.Server` program beside one node, run without a shell.
 *
 * Its output may begin with log lines, and may hold the master key or a password: it is never logged and never put into
 * an error, save the error output of the commands that show no secret. What the exit codes mean follows the program.
 * @see https://octopus.com/docs/octopus-rest-api/octopus.server.exe-command-line
 */
import { execFile } from 'node:child_process';
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import type { Facts } from '../domain/errors.ts';
import { Secret } from '../domain/secrets/secret.ts';
import type { FolderRole, OctopusProgram } from '../ports/octopus.ts';
import { hostConfiguration } from './octopus/octopus-configuration.ts';

export type OctopusHostOptions = { programPath: string; instanceName: string; timeoutSeconds?: number };

/** Stopping the service of a busy server takes minutes; the other commands take seconds. */
const TIMEOUT_SECONDS = 300;

/** A configuration is a few kilobytes; more than this is something else. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const REASON_CHARACTERS = 300;

const MasterKey = z.object({ MasterKey: z.string() });
const Instances = z.array(z.object({ InstanceName: z.string(), ConfigurationFilePath: z.string() }));

/** The options of `path`. */
const FOLDER_OPTIONS: Record<FolderRole, string> = {
  packages: 'nugetRepository',
  artifacts: 'artifacts',
  'task-logs': 'taskLogs',
  'event-exports': 'eventExports',
  imports: 'imports',
  telemetry: 'telemetry',
};

/** 16 or 32 bytes in standard base64. */
const KEY_FORM = /^(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)$/;

/** The program at `programPath`, for the instance of that name. */
export const octopusHost = (options: OctopusHostOptions): OctopusProgram => {
  const ofInstance = `--instance=${options.instanceName}`;
  const run = async (command: Argument[], isSecret = false): Promise<string> =>
    runProgram(options, { command, isSecret });
  const set = async (...command: Argument[]): Promise<void> => void (await run(command));
  return {
    version: async () => versionIn(await run(['version'])),
    showMasterKey: async () => showMasterKey((form) => run(['show-master-key', ofInstance, ...form], true)),
    listInstances: async () => {
      const found = Instances.safeParse(jsonIn(await run(['list-instances', '--format=json'])));
      if (!found.success) throw unreadable('list-instances');
      return found.data.map((one) => ({ name: one.InstanceName, configurationPath: one.ConfigurationFilePath }));
    },
    showConfiguration: async () => {
      const output = await run(['show-configuration', ofInstance, '--format=json-hierarchical'], true);
      const configuration = hostConfiguration(jsonIn(output));
      if (configuration === null) throw unreadable('show-configuration');
      return configuration;
    },
    setDraining: (isDraining) => set('node', ofInstance, `--drain=${isDraining}`),
    startService: () => set('service', ofInstance, '--start'),
    stopService: () => set('service', ofInstance, '--stop'),
    setMasterKey: (key) => setMasterKey((command) => set(command, ofInstance, { name: '--masterKey', value: key })),
    setConnectionString: (value) => set('database', ofInstance, { name: '--connectionString', value }),
    setFolders: (folders) =>
      set('path', ofInstance, ...folders.map(({ role, path }) => `--${FOLDER_OPTIONS[role]}=${path}`)),
    setApiKey: (username, value) => set('admin', ofInstance, `--username=${username}`, { name: '--apiKey', value }),
  };
};

/** `database` since 4.0; a version that takes the key elsewhere has a command of its own for it. */
const setMasterKey = async (setBy: (command: string) => Promise<void>): Promise<void> => {
  try {
    await setBy('database');
  } catch (refusal) {
    if (!isOctoError(refusal, 'OctopusProgramFailed')) throw refusal;
    await setBy('set-master-key').catch(() => {
      throw refusal;
    });
  }
};

/** The program takes some secrets as arguments only: they are revealed to it, and to nothing else. */
type Argument = string | { name: string; value: Secret };

const revealed = (argument: Argument): string =>
  typeof argument === 'string' ? argument : `${argument.name}=${argument.value.reveal()}`;
const shown = (argument: Argument): string => (typeof argument === 'string' ? argument : `${argument.name}=…`);

/** Old versions know no `--format`, and print the key as the last line. */
const showMasterKey = async (show: (form: string[]) => Promise<string>): Promise<Secret> => {
  let output: string;
  try {
    output = await show(['--format=json']);
  } catch (thrown) {
    if (!isOctoError(thrown, 'OctopusProgramFailed')) throw thrown;
    output = await show([]).catch((cause: unknown) => {
      const { code, facts } = OctoError.from(cause);
      throw new OctoError('MasterKeyUnreadable', 'the program showed no master key', {
        cause,
        facts: { ...facts, code },
      });
    });
  }
  const found = MasterKey.safeParse(jsonIn(output));
  const key = found.success ? found.data.MasterKey : lastLine(output);
  if (KEY_FORM.test(key)) return new Secret(key);
  throw new OctoError('MasterKeyUnreadable', 'what the program showed is not a master key of 128 or 256 bits');
};

const lastLine = (output: string): string => output.trim().split(/\r?\n/).at(-1)?.trim() ?? '';

const versionIn = (output: string): string => {
  const version = /^\d+\.\d+\.\d+\S*$/.exec(lastLine(output))?.[0];
  if (version === undefined) throw unreadable('version');
  return version;
};

/** The JSON value that follows any log lines, or `null`. */
const jsonIn = (output: string): unknown => {
  for (const { index } of output.matchAll(/^\s*[{[]/gm)) {
    try {
      return JSON.parse(output.slice(index)) as unknown;
    } catch {
      // A log line that begins like JSON; the value comes later.
    }
  }
  return null;
};

const unreadable = (command: string): OctoError =>
  new OctoError('OctopusProgramFailed', `what ${command} printed could not be read`, { facts: { command } });

const runProgram = async (
  options: OctopusHostOptions,
  { command, isSecret }: { command: Argument[]; isSecret: boolean },
): Promise<string> => {
  const { programPath, timeoutSeconds = TIMEOUT_SECONDS } = options;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const limits = {
    timeout: timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    windowsHide: true,
  } as const;
  // What was given as a secret may be said again in the program's words.
  const isQuiet = isSecret || command.some((argument) => typeof argument !== 'string');
  const fail = (error: unknown, stderr: string): void => {
    const reason = isQuiet ? '' : stderr.trim().slice(-REASON_CHARACTERS);
    reject(failure(error as ProgramError, { programPath, command: command.map(shown), reason }));
  };
  try {
    execFile(programPath, command.map(revealed), limits, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else fail(error, stderr);
    });
  } catch (thrown) {
    // Some reasons not to start a program are thrown at once, such as a path that runs through a file.
    fail(thrown, '');
  }
  return promise;
};

type ProgramError = Error & { code?: string | number | null; killed?: boolean };

/** `error` itself is not passed on: node puts the whole command and the program's error output into its message. */
const failure = (
  error: ProgramError,
  { programPath, command, reason }: { programPath: string; command: string[]; reason: string },
): OctoError => {
  const name = `Octopus.Server ${command[0] ?? ''}`;
  const facts: Facts = { programPath, command, exitCode: error.code ?? null };
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return new OctoError('OctopusProgramMissing', `there is no program at ${programPath}`, { facts });
  }
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new OctoError('OctopusProgramFailed', `${name} printed more than it should`, { facts });
  }
  if (error.killed === true) return new OctoError('OctopusProgramStalled', `${name} did not end in time`, { facts });
  const end =
    typeof error.code === 'number' ? `ended with ${error.code}` : `could not be run (${error.code ?? error.name})`;
  return new OctoError('OctopusProgramFailed', `${name} ${end}${reason === '' ? '' : `: ${reason}`}`, { facts });
};
