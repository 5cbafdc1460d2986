/**
 * The `Octopus.Server` program of a machine: `program.ts <machine> <command> [--option=value | --option value | --flag]`.
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
    const [, name = '', , inline] = /^(?:--|-|\/)([A-Za-z-]+)(=(.*))?$/s.exec(word) ?? [];
    const kind = known[name];
    if (kind === undefined)
      throw new ControlledFailure(`Unrecognized command line arguments: ${word.split('=')[0] ?? ''}`);
    const value = kind === 'flag' ? 'true' : (inline ?? rest.shift());
    if (value === undefined) throw new ControlledFailure(`Missing required value for option '--${name}'.`);
    parsed.set(name, value);
  }
  return parsed;
};

const main = async (machine: string, given: readonly string[]): Promise<number> => {
  const faults = readProgramFaults(machine);
  const program: Program = { machine, faults, print: (text) => process.stdout.write(`${text}\n`) };
  const [name = 'help', ...rest] = given;
  const command = commands[name];
  if (command === undefined) {
    process.stderr.write(`Command '${name}' is not supported\n`);
    return EXIT.unknownCommand;
  }
  await sleep(faults.delaySeconds * 1000);
  if (faults.isDenied) {
    process.stderr.write('Access is denied. Run this command as an administrator.\n');
    return EXIT.security;
  }
  if (faults.hasLogLines || (faults.isOld && name === 'show-master-key')) {
    program.print(`Octopus Deploy: Server version 2024.4.7106 {${name}}`);
    program.print(`${new Date().toISOString()}   4711      1  INFO  [log] Loading configuration`);
  }
  await command.run(program, parseArguments(command, rest));
  return EXIT.done;
};

const [machine = '', ...given] = process.argv.slice(2);
try {
  process.exitCode = await main(machine, given);
} catch (thrown) {
  const isControlled = thrown instanceof ControlledFailure;
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = isControlled ? EXIT.refused : EXIT.unexpected;
}
