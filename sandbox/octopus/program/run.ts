/**
 * One call of the `Octopus.Server` program: `<command> [--option=value | --option value | --flag]`.
 * Commands and options are the original's; exit codes too: 0 done, 1 refused, 2 no such command, 100 unexpected.
 * @see https://octopus.com/docs/octopus-rest-api/octopus.server.exe-command-line
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arguments, Command, Program } from './command.ts';
import { ControlledFailure } from './command.ts';
import { commands } from './commands.ts';
import { readProgramFaults } from './faults.ts';

const EXIT = { done: 0, refused: 1, unknownCommand: 2, security: 42, unexpected: 100 } as const;

/** Options that each command takes besides its own. */
const COMMON = {
  instance: 'value',
  console: 'flag',
  nologo: 'flag',
  noconsolelogging: 'flag',
} as const;

const parseArguments = (command: Command, given: readonly string[]): Arguments => {
  const known: Record<string, 'value' | 'flag'> = { ...COMMON, ...command.options };
  const parsed: Arguments = new Map();
  const rest = [...given];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = '', , inline] = /^(?:--|-|\/)([A-Za-z0-9-]+)(=(.*))?$/s.exec(word) ?? [];
    const kind = known[name];
    if (kind === undefined)
      throw new ControlledFailure(`Unrecognized command line arguments: ${word.split('=')[0] ?? ''}`);
    const value = kind === 'flag' ? 'true' : (inline ?? rest.shift());
    if (value === undefined) throw new ControlledFailure(`Missing required value for option '--${name}'.`);
    parsed.set(name, value);
  }
  return parsed;
};

export type ProgramCall = {
  machine: string;
  words: readonly string[];
  /** Standard output and standard error, a line at a time. */
  print(line: string): void;
  complain(line: string): void;
};

/** Runs the command and returns the exit code. */
export const runProgram = async (call: ProgramCall): Promise<number> => {
  try {
    return await runCommand(call);
  } catch (thrown) {
    call.complain(thrown instanceof Error ? thrown.message : String(thrown));
    return thrown instanceof ControlledFailure ? EXIT.refused : EXIT.unexpected;
  }
};

const runCommand = async (call: ProgramCall): Promise<number> => {
  const { machine, words } = call;
  const faults = readProgramFaults(machine);
  const program: Program = { machine, faults, print: (line) => call.print(line) };
  const [name = 'help', ...rest] = words;
  const command = commands[name];
  if (command === undefined) {
    call.complain(`Command '${name}' is not supported`);
    return EXIT.unknownCommand;
  }
  await sleep(faults.delaySeconds * 1000);
  if (faults.isDenied) {
    call.complain('Access is denied. Run this command as an administrator.');
    return EXIT.security;
  }
  if (faults.hasLogLines || (faults.isOld && name === 'show-master-key')) {
    program.print(`Octopus Deploy: Server version 2024.4.7106 {${name}}`);
    program.print(`${new Date().toISOString()}   4711      1  INFO  [log] Loading configuration`);
  }
  await command.run(program, parseArguments(command, rest));
  return EXIT.done;
};
