/**
 * Checks what a definition is made of: known fields with fitting values, and states that lead to each other.
 *
 * Beyond the schema it holds what the public validators miss (a heartbeat longer than the timeout, `States.ALL` beside
 * other names or not last) and two rules of ours: `States.ALL` in Catch only, and a task that waits for an answer must
 * send its token somewhere.
 */
import { isExpression } from '../expressions.ts';

type Fields = Record<string, unknown>;
/** `null` when the value fits, else what it must be. */
type Rule = (value: unknown) => string | null;
type Report = (where: string, problem: string) => void;

const rule =
  (fits: (value: unknown) => boolean, wanted: string): Rule =>
  (value) =>
    fits(value) ? null : `must be ${wanted}`;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isSeconds = (value: unknown): value is number => isCount(value) && value <= 99_999_999;

const anything: Rule = () => null;
const text = rule((value) => typeof value === 'string', 'text');
const stateName = rule((value) => typeof value === 'string' && value.length > 0, 'the name of a state');
const seconds = rule((value) => isSeconds(value) || isExpression(value), 'whole seconds from 1, or an expression');
const count = rule((value) => value === 0 || isCount(value) || isExpression(value), 'a whole number or an expression');
const list = rule((value) => Array.isArray(value) && value.length > 0, 'a list with something in it');
const fields = rule(isFields, 'an object');
const yes = rule((value) => value === true, 'true, or left out');
const RESOURCES = [
  'arn:aws:states:::lambda:invoke',
  'arn:aws:states:::lambda:invoke.waitForTaskToken',
  'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
];

const COMMON = { Comment: text, Output: anything, Assign: fields };
const ONWARD = { Next: stateName, End: yes };
const FALLIBLE = { Retry: list, Catch: list };

/** Per type of state: its fields. A field with `!` is required. */
const STATE_FIELDS: Record<string, Record<string, Rule>> = {
  Task: {
    ...COMMON,
    ...ONWARD,
    ...FALLIBLE,
    'Resource!': rule((value) => RESOURCES.includes(value as string), `one of ${RESOURCES.join(', ')}`),
    'Arguments!': fields,
    TimeoutSeconds: seconds,
    HeartbeatSeconds: seconds,
  },
  Map: {
    ...COMMON,
    ...ONWARD,
    ...FALLIBLE,
    'ItemProcessor!': fields,
    Items: rule((value) => Array.isArray(value) || isExpression(value), 'a list or an expression'),
    ItemSelector: anything,
    MaxConcurrency: count,
  },
  Wait: {
    ...COMMON,
    ...ONWARD,
    Seconds: rule((value) => value === 0 || isSeconds(value) || isExpression(value), 'whole seconds or an expression'),
    Timestamp: rule(
      (value) => isExpression(value) || (typeof value === 'string' && !Number.isNaN(Date.parse(value))),
      'a time in ISO 8601 or an expression',
    ),
  },
  Pass: { ...COMMON, ...ONWARD },
  Choice: { ...COMMON, 'Choices!': list, Default: stateName },
  Succeed: { Comment: text, Output: anything },
  Fail: { Comment: text, Error: text, Cause: text },
};

const DEFINITION_FIELDS: Record<string, Rule> = {
  Comment: text,
  'QueryLanguage!': rule((value) => value === 'JSONata', '"JSONata"'),
  'StartAt!': stateName,
  'States!': fields,
  TimeoutSeconds: rule(isSeconds, 'whole seconds from 1'),
};
const PROCESSOR_FIELDS: Record<string, Rule> = {
  Comment: text,
  ProcessorConfig: rule((value) => isFields(value) && value['Mode'] === 'INLINE', '{ "Mode": "INLINE" }'),
  'StartAt!': stateName,
  'States!': fields,
};
const RULE_FIELDS: Record<string, Rule> = {
  ...COMMON,
  'Condition!': rule((value) => typeof value === 'boolean' || isExpression(value), 'true, false or an expression'),
  'Next!': stateName,
};
const CATCHER_FIELDS: Record<string, Rule> = { ...COMMON, 'ErrorEquals!': list, 'Next!': stateName };
const RETRIER_FIELDS: Record<string, Rule> = {
  Comment: text,
  'ErrorEquals!': list,
  IntervalSeconds: rule(isSeconds, 'whole seconds from 1'),
  MaxAttempts: rule((value) => value === 0 || isSeconds(value), 'a whole number'),
  BackoffRate: rule((value) => typeof value === 'number' && value >= 1, 'a number from 1'),
  MaxDelaySeconds: rule((value) => isCount(value) && value < 31_622_400, 'whole seconds from 1, under 366 days'),
  JitterStrategy: rule((value) => value === 'FULL' || value === 'NONE', '"FULL" or "NONE"'),
};

const RESERVED = new Set(
  'ALL DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout Http.Socket NoChoiceMatched Permissions QueryEvaluationError Runtime TaskFailed Timeout'
    .split(' ')
    .map((name) => `States.${name}`),
);

/** Problems of shape, fields and transitions. */
export const structureProblems = (definition: unknown): string[] => {
  const problems: string[] = [];
  const report: Report = (where, problem) => problems.push(`${where}: ${problem}`);
  if (!isFields(definition)) return ['a definition must be an object'];
  checkFields(definition, DEFINITION_FIELDS, (where, problem) => report(where || 'definition', problem));
  const seen = new Set<string>();
  checkGroup(definition, 'States', { report, seen });
  return problems;
};

const checkFields = (value: Fields, rules: Record<string, Rule>, report: Report): boolean => {
  let isSound = true;
  const fail = (field: string, problem: string) => {
    isSound = false;
    report(field, problem);
  };
  for (const [key, item] of Object.entries(value)) {
    const check = rules[key] ?? rules[`${key}!`];
    const problem = check ? check(item) : key === 'Type' ? null : 'is not supported here';
    if (problem) fail(key, problem);
  }
  for (const key of Object.keys(rules))
    if (key.endsWith('!') && !Object.hasOwn(value, key.slice(0, -1))) fail(key.slice(0, -1), 'is missing');
  return isSound;
};

const checkGroup = (group: Fields, at: string, context: { report: Report; seen: Set<string> }): void => {
  const { report, seen } = context;
  const states = isFields(group['States']) ? group['States'] : {};
  const targets = new Set([group['StartAt']]);
  for (const [name, state] of Object.entries(states)) {
    const where = `${at}.${name}`;
    if (name.length > 80) report(where, 'a name has at most 80 characters');
    if (seen.has(name)) report(where, 'the name is used twice');
    seen.add(name);
    const rules = isFields(state) ? STATE_FIELDS[String(state['Type'])] : undefined;
    if (!isFields(state) || !rules) {
      report(where, `Type must be one of ${Object.keys(STATE_FIELDS).join(', ')}`);
      continue;
    }
    const inState: Report = (field, problem) => report(field ? `${where}.${field}` : where, problem);
    if (checkFields(state, rules, inState)) checkState(state, inState);
    for (const target of targetsOf(state)) targets.add(target);
    const processor = state['ItemProcessor'];
    if (isFields(processor)) {
      checkFields(processor, PROCESSOR_FIELDS, (field, problem) => inState(`ItemProcessor.${field}`, problem));
      checkGroup(processor, `${where}.ItemProcessor.States`, context);
    }
  }
  for (const target of targets)
    if (typeof target === 'string' && !Object.hasOwn(states, target)) report(at, `there is no state "${target}"`);
  for (const name of unreachable(group['StartAt'], states)) report(`${at}.${name}`, 'no state leads here');
};

const checkState = (state: Fields, report: Report): void => {
  const type = state['Type'];
  const isOnward = type === 'Task' || type === 'Map' || type === 'Wait' || type === 'Pass';
  if (isOnward && Object.hasOwn(state, 'Next') === Object.hasOwn(state, 'End')) report('', 'needs either Next or End');
  if (type === 'Wait' && Object.hasOwn(state, 'Seconds') === Object.hasOwn(state, 'Timestamp'))
    report('', 'needs either Seconds or Timestamp');
  if (type === 'Task') checkTask(state, report);
  checkEach(state['Choices'], { rules: RULE_FIELDS, field: 'Choices', report });
  if (checkEach(state['Retry'], { rules: RETRIER_FIELDS, field: 'Retry', report })) checkNames(state, 'Retry', report);
  if (checkEach(state['Catch'], { rules: CATCHER_FIELDS, field: 'Catch', report })) checkNames(state, 'Catch', report);
};

const checkTask = (state: Fields, report: Report): void => {
  const { Resource, TimeoutSeconds, HeartbeatSeconds } = state;
  const sent = state['Arguments'] as Fields;
  if (typeof HeartbeatSeconds === 'number' && typeof TimeoutSeconds === 'number' && HeartbeatSeconds >= TimeoutSeconds)
    report('HeartbeatSeconds', 'must be smaller than TimeoutSeconds');
  const needed = String(Resource).includes(':sqs:') ? ['QueueUrl', 'MessageBody'] : ['FunctionName', 'Payload'];
  for (const field of needed) if (!Object.hasOwn(sent, field)) report(`Arguments.${field}`, 'is missing');
  for (const field of Object.keys(sent))
    if (!needed.includes(field)) report(`Arguments.${field}`, 'is not supported here');
  const name = sent['FunctionName'];
  if (name !== undefined && (typeof name !== 'string' || !/^\$\{\w+\}$/.test(name)))
    report('Arguments.FunctionName', 'must be a placeholder like ${Name}');
  if (String(Resource).endsWith('.waitForTaskToken') && !JSON.stringify(sent).includes('$states.context.Task.Token'))
    report('Arguments', 'must send $states.context.Task.Token, or nobody can answer');
};

const checkEach = (
  value: unknown,
  { rules, field, report }: { rules: Record<string, Rule>; field: string; report: Report },
): boolean =>
  Array.isArray(value) &&
  value
    .map((item: unknown, index) => {
      const at = `${field}[${index}]`;
      if (isFields(item)) return checkFields(item, rules, (key, problem) => report(`${at}.${key}`, problem));
      report(at, 'must be an object');
      return false;
    })
    .every(Boolean);

const checkNames = (state: Fields, field: 'Retry' | 'Catch', report: Report): void => {
  const handlers = state[field] as { ErrorEquals: unknown[]; IntervalSeconds?: number; MaxDelaySeconds?: number }[];
  for (const [index, { ErrorEquals, IntervalSeconds = 1, MaxDelaySeconds }] of handlers.entries()) {
    const fail = (problem: string) => report(`${field}[${index}]`, problem);
    for (const name of ErrorEquals) {
      if (typeof name !== 'string') fail('ErrorEquals must hold names');
      else if (name.startsWith('States.') && !RESERVED.has(name)) fail(`"${name}" is no error of Step Functions`);
    }
    if (ErrorEquals.includes('States.ALL')) {
      if (field === 'Retry') fail('States.ALL may stand in Catch only: a Retry names what it expects');
      if (ErrorEquals.length > 1) fail('States.ALL must stand alone');
      if (index < handlers.length - 1) fail('States.ALL must come last');
    }
    if (MaxDelaySeconds !== undefined && MaxDelaySeconds <= IntervalSeconds)
      fail('MaxDelaySeconds must be greater than IntervalSeconds');
  }
};

/** The states that a state names: its Next and Default, and those of its rules and catchers. */
export const targetsOf = (state: Fields): string[] =>
  [state, ...[state['Choices'], state['Catch']].flatMap((list) => (Array.isArray(list) ? (list as Fields[]) : []))]
    .flatMap((part) => (isFields(part) ? [part['Next'], part['Default']] : []))
    .filter((name): name is string => typeof name === 'string');

const unreachable = (start: unknown, states: Fields): string[] => {
  if (typeof start !== 'string' || !Object.hasOwn(states, start)) return [];
  const reached = new Set<string>();
  const pending = [start];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const state = states[name];
    if (reached.has(name) || !isFields(state)) continue;
    reached.add(name);
    pending.push(...targetsOf(state));
  }
  return Object.keys(states).filter((name) => !reached.has(name));
};
