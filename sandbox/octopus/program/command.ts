/** What a command of the `Octopus.Server` program is, and what several of them share. */
import type { Database } from '../data/database.ts';
import type { InstanceSettings, RegisteredInstance } from '../machine/machine.ts';
import { findInstance, readConfiguration, writeConfiguration } from '../machine/machine.ts';
import type { ProgramFaults } from './faults.ts';

export type Program = { machine: string; faults: ProgramFaults; print(text: string): void };
export type Arguments = Map<string, string>;

export type Command = {
  options?: Record<string, 'value' | 'flag'>;
  run(program: Program, given: Arguments): Promise<void> | void;
};

/** Ends the program with exit code 1 and this message. */
export class ControlledFailure extends Error {}

export const DEFAULT_INSTANCE = 'OctopusServer';

/** The instance a call is about: `--instance`, or the default one. */
export const instanceOf = (program: Program, given: Arguments): RegisteredInstance => {
  const name = given.get('instance') ?? DEFAULT_INSTANCE;
  const instance = findInstance(program.machine, name);
  if (instance === null)
    throw new ControlledFailure(`Instance ${name} of Octopus Server has not been configured on this machine.`);
  return instance;
};

/** Changes settings of the instance's configuration file. */
export const changeConfiguration = (instance: RegisteredInstance, change: InstanceSettings): void =>
  writeConfiguration(instance.configurationPath, { ...readConfiguration(instance.configurationPath), ...change });

/** Works on the instance's database; the driver is loaded only by the commands that need it. */
export const withDatabase = async <T>(
  instance: RegisteredInstance,
  work: (database: Database) => Promise<T>,
): Promise<T> => {
  const connectionString = readConfiguration(instance.configurationPath)[
    'Octopus.Storage.ExternalDatabaseConnectionString'
  ];
  if (connectionString === undefined) throw new ControlledFailure('The instance has no database connection string.');
  const { openDatabase } = await import('../data/database.ts');
  const database = await openDatabase(connectionString).catch((thrown: unknown) => {
    throw new ControlledFailure(
      `Could not connect to the database: ${thrown instanceof Error ? thrown.name : 'unknown'}`,
    );
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
};

/** `true` or `false`, as the original writes them. */
export const booleanOf = (name: string, value: string): boolean => {
  if (/^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new ControlledFailure(`Could not convert string '${value}' to type Boolean for option '--${name}'.`);
};
