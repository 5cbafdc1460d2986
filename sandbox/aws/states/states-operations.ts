/**
 * The Step Functions stand-in's operations: its JSON API in front of our own engine.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { numberIn, textIn } from '../json/parameters.ts';
import type { Parameters } from '../json/json-service.ts';
import { refusal } from '../refusal.ts';
import { seconds, shownEvent, shownExecution } from './states-history.ts';
import { problemsOf, type Machine, type Machines } from './states-machines.ts';
import {
  checkedName,
  executionArn,
  executionIn,
  invalid,
  jsonOf,
  machineArn,
  machineIn,
  textOf,
} from './states-rules.ts';
import { readToken } from './states-tokens.ts';

export type StatesCall = {
  machines: Machines;
  parameters: Parameters;
  clock: Clock;
  onStatusChange: (machine: string, executionName: string) => void;
};
type StatesOperation = (call: StatesCall) => object | Promise<object>;
type Served = { operation: string; extent: 'full' | 'part' | 'none'; note: string; perform?: StatesOperation };

const DEFINITION_CHARACTERS = 1_048_576;
const HISTORY_PAGE = 100;
const HISTORY_PAGE_MAX = 1000;

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown }).code;

const createStateMachine: StatesOperation = async ({ machines, parameters, clock }) => {
  const name = checkedName(textIn(parameters, 'name') ?? '');
  const definition = textOf(parameters, 'definition', DEFINITION_CHARACTERS);
  const roleArn = textOf(parameters, 'roleArn');
  if (!/^arn:aws:iam::\d{12}:role\//.test(roleArn))
    throw refusal(400, 'InvalidArn', { message: `Invalid Role Arn: '${roleArn}'` });
  if ((textIn(parameters, 'type') ?? 'STANDARD') !== 'STANDARD')
    throw refusal(400, 'StateMachineTypeNotSupported', { message: 'State Machine Type is not supported' });
  const problems = problemsOf(definition);
  if (problems.length > 0)
    throw refusal(400, 'InvalidDefinition', { message: `Invalid State Machine Definition: '${problems.join('; ')}'` });
  const standing = machines.find(name);
  if (standing !== null && (standing.definition !== definition || standing.roleArn !== roleArn))
    throw refusal(400, 'StateMachineAlreadyExists', { message: `State Machine Already Exists: '${machineArn(name)}'` });
  const createdAt = clock.now().toISOString();
  const machine = standing ?? (await machines.create({ name, definition, roleArn, createdAt }));
  return { stateMachineArn: machineArn(name), creationDate: seconds(machine.createdAt) };
};

const listed = ({ name, createdAt }: Machine) => ({
  stateMachineArn: machineArn(name),
  name,
  type: 'STANDARD',
  creationDate: seconds(createdAt),
});

const listStateMachines: StatesOperation = ({ machines }) => ({ stateMachines: machines.all().map(listed) });

const describeStateMachine: StatesOperation = ({ machines, parameters }) => {
  const machine = machineIn(machines, parameters);
  const { definition, roleArn } = machine;
  return { ...listed(machine), status: 'ACTIVE', definition, roleArn };
};

const validateStateMachineDefinition: StatesOperation = ({ parameters }) => {
  const problems = problemsOf(textOf(parameters, 'definition', DEFINITION_CHARACTERS));
  const diagnostics = problems.map((message) => ({ severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message }));
  return { result: problems.length === 0 ? 'OK' : 'FAIL', diagnostics, truncated: false };
};

/** The same name and input while it runs is the same execution; a name that was used is taken for ninety days. */
const startExecution: StatesOperation = async ({ machines, parameters, onStatusChange }) => {
  const { name: machine, engine } = machineIn(machines, parameters);
  const name = checkedName(textIn(parameters, 'name') ?? randomUUID());
  const input: unknown = JSON.parse(jsonOf(parameters, 'input', 'InvalidExecutionInput'));
  const arn = executionArn(machine, name);
  const taken = refusal(400, 'ExecutionAlreadyExists', { message: `Execution Already Exists: '${arn}'` });
  const standing = await engine.workflows.describe(name);
  if (standing !== null && standing.status !== 'RUNNING') throw taken;
  await engine.workflows.start({ workflow: machine, runId: name, input }).catch((thrown: unknown) => {
    throw codeOf(thrown) === 'RunNameTaken' ? taken : thrown;
  });
  if (standing === null) onStatusChange(machine, name);
  const { startedAt } = (await engine.workflows.describe(name))!;
  return { executionArn: arn, startDate: seconds(startedAt) };
};

const describeExecution: StatesOperation = async ({ machines, parameters }) => {
  const { machine, description } = await executionIn(machines, parameters);
  return shownExecution(machine, description);
};

const getExecutionHistory: StatesOperation = async ({ machines, parameters }) => {
  const { machine, name } = await executionIn(machines, parameters);
  const max = numberIn(parameters, 'maxResults') ?? HISTORY_PAGE;
  if (!(Number.isInteger(max) && max >= 0 && max <= HISTORY_PAGE_MAX)) throw invalid('maxResults');
  if (parameters['includeExecutionData'] === false) throw invalid('includeExecutionData is always true here');
  const from = startOf(textIn(parameters, 'nextToken'));
  const events = await Array.fromAsync(machine.engine.workflows.history(name));
  if (parameters['reverseOrder'] === true) events.reverse();
  const next = from + (max === 0 ? HISTORY_PAGE : max);
  return {
    events: events.slice(from, next).map((event) => shownEvent(machine, event)),
    ...(next < events.length && { nextToken: Buffer.from(String(next)).toString('base64') }),
  };
};

const startOf = (token: string | null): number => {
  const from = token === null ? 0 : Number(Buffer.from(token, 'base64').toString('utf8'));
  if (Number.isInteger(from)) return from;
  throw refusal(400, 'InvalidToken', { message: "Invalid Token: 'Invalid token'" });
};

type HostTasks = Machine['engine']['hostTasks'];

/** Hands an answer to whoever waits for the token. */
const answering =
  (act: (hostTasks: HostTasks, token: string, parameters: Parameters) => Promise<void>): StatesOperation =>
  async ({ machines, parameters }) => {
    const { machine, token } = readToken(textIn(parameters, 'taskToken') ?? '');
    const { engine } = machines.find(machine) ?? absentTask();
    const runId = token.slice(0, token.lastIndexOf('.'));
    if ((await engine.workflows.describe(runId)) === null) absentTask();
    await act(engine.hostTasks, token, parameters).catch((thrown: unknown) => {
      if (codeOf(thrown) !== 'TaskGone') throw thrown;
      const message = "Task Timed Out: 'Provided task does not exist anymore'";
      throw refusal(400, 'TaskTimedOut', { message });
    });
    return {};
  };

const absentTask = (): never => {
  throw refusal(400, 'TaskDoesNotExist', { message: "Task does not exist: 'Provided task does not exist'" });
};

const optionalText = (parameters: Parameters, name: string, max: number): string =>
  textIn(parameters, name) === null ? '' : textOf(parameters, name, max);

const sendTaskSuccess = answering((hostTasks, token, parameters) => {
  if (textIn(parameters, 'output') === null) throw invalid("Value null at 'output' must not be null");
  return hostTasks.succeed(token, JSON.parse(jsonOf(parameters, 'output', 'InvalidOutput')));
});

const sendTaskFailure = answering((hostTasks, token, parameters) => {
  const cause = (textIn(parameters, 'cause') ?? '') === '' ? '' : optionalText(parameters, 'cause', 32_768);
  return hostTasks.fail(token, { error: optionalText(parameters, 'error', 256), cause });
});

const sendTaskHeartbeat = answering((hostTasks, token) => hostTasks.beat(token));

const none = (operation: string, note = ''): Served => ({ operation, extent: 'none', note });

export const serves: Served[] = [
  {
    operation: 'CreateStateMachine',
    extent: 'part',
    note: 'standard ones of the states that our engine has; no versions, no logging',
    perform: createStateMachine,
  },
  { operation: 'ListStateMachines', extent: 'part', note: 'in one page', perform: listStateMachines },
  { operation: 'DescribeStateMachine', extent: 'part', note: 'what was given', perform: describeStateMachine },
  {
    operation: 'ValidateStateMachineDefinition',
    extent: 'part',
    note: 'refuses what our engine has not, too',
    perform: validateStateMachineDefinition,
  },
  { operation: 'StartExecution', extent: 'full', note: '', perform: startExecution },
  { operation: 'DescribeExecution', extent: 'part', note: 'no map runs, no redrive', perform: describeExecution },
  {
    operation: 'GetExecutionHistory',
    extent: 'part',
    note: 'with execution data always',
    perform: getExecutionHistory,
  },
  { operation: 'SendTaskSuccess', extent: 'full', note: '', perform: sendTaskSuccess },
  { operation: 'SendTaskFailure', extent: 'full', note: '', perform: sendTaskFailure },
  { operation: 'SendTaskHeartbeat', extent: 'full', note: '', perform: sendTaskHeartbeat },
  none('StopExecution', 'an execution of ours is never stopped: cancelling is a flag in the run book'),
  none('UpdateStateMachine'),
  none('DeleteStateMachine'),
  none('ListExecutions', 'the run book lists runs'),
  none('StartSyncExecution'),
  none('GetActivityTask'),
  none('RedriveExecution'),
];
