/**
 * The limits of Step Functions: names, ARNs, sizes.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
import { textIn } from '../json/parameters.ts';
import type { Parameters } from '../json/json-service.ts';
import { refusal } from '../refusal.ts';
import type { Machine, Machines } from './states-machines.ts';

const SCOPE = 'arn:aws:states:us-east-1:000000000000';
// oxlint-disable-next-line no-control-regex -- Step Functions names them
const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ud800-\udfff]/;
const MAX_BYTES = 262_144;

export const machineArn = (name: string): string => `${SCOPE}:stateMachine:${name}`;
export const executionArn = (machine: string, name: string): string => `${SCOPE}:execution:${machine}:${name}`;

export const invalid = (message: string) => refusal(400, 'ValidationException', { message });

/** A parameter that must be there, no longer than `max` characters. */
export const textOf = (parameters: Parameters, name: string, max = 256): string => {
  const text = textIn(parameters, name) ?? '';
  if (text.length >= 1 && text.length <= max) return text;
  throw invalid(
    `1 validation error detected: Value at '${name}' failed to satisfy its length constraint (1 to ${max})`,
  );
};

/** JSON as text. `code` is how the service calls what is none. */
export const jsonOf = (parameters: Parameters, name: string, code: string): string => {
  const text = textIn(parameters, name) ?? '{}';
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw invalid(
      `1 validation error detected: Value at '${name}' must have length less than or equal to ${MAX_BYTES}`,
    );
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw refusal(400, code, { message: `Invalid ${name}: no JSON` });
  }
};

export const checkedName = (name: string): string => {
  if (name.length >= 1 && name.length <= 80 && !FORBIDDEN.test(name)) return name;
  throw refusal(400, 'InvalidName', { message: `Invalid Name: '${name}'` });
};

const partsOf = (parameters: Parameters, name: string, kind: string): string[] => {
  const arn = textOf(parameters, name);
  const [, rest] = arn.split(`${SCOPE}:${kind}:`);
  if (rest === undefined || !arn.startsWith('arn:'))
    throw refusal(400, 'InvalidArn', { message: `Invalid Arn: '${arn}'` });
  return rest.split(':');
};

/** The state machine that `stateMachineArn` names. */
export const machineIn = (machines: Machines, parameters: Parameters): Machine => {
  const [name = ''] = partsOf(parameters, 'stateMachineArn', 'stateMachine');
  const machine = machines.find(name);
  if (machine !== null) return machine;
  const message = `State Machine Does Not Exist: '${machineArn(name)}'`;
  throw refusal(400, 'StateMachineDoesNotExist', { message });
};

/** The execution that `executionArn` names, or its refusal. */
export const executionIn = async (machines: Machines, parameters: Parameters) => {
  const [machineName = '', name = ''] = partsOf(parameters, 'executionArn', 'execution');
  const machine = machines.find(machineName);
  const description = (await machine?.engine.workflows.describe(name)) ?? null;
  if (machine !== null && description !== null) return { machine, name, description };
  const message = `Execution Does Not Exist: '${executionArn(machineName, name)}'`;
  throw refusal(400, 'ExecutionDoesNotExist', { message });
};
