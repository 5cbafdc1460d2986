/** What may go wrong with the `Octopus.Server` program: kept in a file of the machine, since every call is a new process. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../machine/machine.ts';

export type ProgramFaults = {
  /** Log lines stand before the output, as vendor automation has met them. */
  hasLogLines: boolean;
  /** The master key cannot be unwrapped. */
  isKeyUnreadable: boolean;
  /** The caller is not elevated. */
  isDenied: boolean;
  /** An old version: `show-master-key` knows no `--format` and logs before it prints. */
  isOld: boolean;
  /** Nothing happens for so long. */
  delaySeconds: number;
};

const none: ProgramFaults = {
  hasLogLines: false,
  isKeyUnreadable: false,
  isDenied: false,
  isOld: false,
  delaySeconds: 0,
};

const faultsPath = (machine: string): string => join(machine, 'etc', 'program-faults.json');

/** Switches faults on; those not named are off. */
export const setProgramFaults = (machine: string, faults: Partial<ProgramFaults>): void => {
  mkdirSync(join(machine, 'etc'), { recursive: true });
  writeWhole(faultsPath(machine), JSON.stringify({ ...none, ...faults }));
};

export const readProgramFaults = (machine: string): ProgramFaults =>
  existsSync(faultsPath(machine)) ? (JSON.parse(readFileSync(faultsPath(machine), 'utf8')) as ProgramFaults) : none;
