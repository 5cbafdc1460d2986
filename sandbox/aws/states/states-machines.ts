/**
 * The state machines of the Step Functions stand-in: each is a definition and our own engine that runs it.
 *
 * The engine wants functions as placeholders; what is deployed has ARNs in their place, so they are turned back here.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDefinition } from '../../../lib/engine/asl.ts';
import { createEngine, type CloudFunction, type Engine } from '../../../lib/engine/runtime.ts';
import type { Clock } from '../clock.ts';
import { withWireTokens } from './states-tokens.ts';

/** As it was created. */
export type MachineRecord = { name: string; definition: string; roleArn: string; createdAt: string };

export type Machine = MachineRecord & {
  engine: Engine;
  /** A value of its history as it is outside: ARNs and tokens. */
  shown(value: unknown): unknown;
};

/** What state machines call. A rejection with a `stateFailure` fails the task with its names. */
export type Integrations = {
  invoke(functionArn: string, payload: unknown): Promise<unknown>;
  sendMessage(queueUrl: string, body: unknown): Promise<void>;
};

export type MachinesOptions = {
  directory: string;
  clock: Clock;
  integrations: Integrations;
  /** Told of executions that started or ended. */
  onStatusChange: (machine: string, executionName: string) => void;
};

export type Machines = {
  find(name: string): Machine | null;
  all(): Machine[];
  create(record: MachineRecord): Promise<Machine>;
  close(): Promise<void>;
};

/** Every state machine under `directory`, at work again. */
export const openMachines = async (options: MachinesOptions): Promise<Machines> => {
  const records = join(options.directory, 'machines');
  mkdirSync(records, { recursive: true });
  const machines = new Map<string, Machine>();
  const open = async (record: MachineRecord): Promise<Machine> => {
    const machine = openMachine(record, options);
    machines.set(record.name, machine);
    await machine.engine.resume();
    return machine;
  };
  for (const file of readdirSync(records))
    await open(JSON.parse(readFileSync(join(records, file), 'utf8')) as MachineRecord);
  return {
    find: (name) => machines.get(name) ?? null,
    all: () => [...machines.values()],
    create: (record) => {
      writeFileSync(join(records, `${record.name}.json`), JSON.stringify(record));
      return open(record);
    },
    close: async () => {
      await Promise.all([...machines.values()].map(({ engine }) => engine.close()));
    },
  };
};

/** Why Step Functions, or our engine, would not take the definition; empty when both would. */
export const problemsOf = (definition: string): string[] => {
  try {
    return checkDefinition(bind(definition).definition);
  } catch (thrown) {
    return [(thrown as Error).message];
  }
};

const openMachine = (record: MachineRecord, options: MachinesOptions): Machine => {
  const { clock, integrations, onStatusChange } = options;
  const { definition, functionArns } = bind(record.definition);
  const functions = Object.fromEntries(
    functionArns.map((arn, at): [string, CloudFunction] => [
      nameAt(at),
      (payload) => integrations.invoke(arn, withWireTokens(record.name, payload)),
    ]),
  );
  const engine = createEngine({
    directory: join(options.directory, 'executions', record.name),
    clock,
    definitions: { [record.name]: definition },
    functions,
    sendMessage: (queueUrl, body) => integrations.sendMessage(queueUrl, withWireTokens(record.name, body)),
    onEnd: (name) => onStatusChange(record.name, name),
  });
  const shown = (value: unknown): unknown => {
    const text = JSON.stringify(withWireTokens(record.name, value));
    return JSON.parse(text.replaceAll(/\$\{Function(\d+)\}/g, (_whole, at) => functionArns[Number(at)] ?? ''));
  };
  return { ...record, engine, shown };
};

const nameAt = (at: number): string => `Function${at}`;

/** The definition with a placeholder for each function that it calls. @throws SyntaxError for what is no JSON */
const bind = (text: string): { definition: unknown; functionArns: string[] } => {
  const functionArns: string[] = [];
  const definition: unknown = JSON.parse(text, (key, value: unknown) => {
    if (key !== 'FunctionName' || typeof value !== 'string') return value;
    if (!functionArns.includes(value)) functionArns.push(value);
    return `\${${nameAt(functionArns.indexOf(value))}}`;
  });
  return { definition, functionArns };
};
