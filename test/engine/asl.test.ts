/** What is refused at load, by name, and that the definitions we ship pass our check and the public validator. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDefinition, loadDefinition } from '../../lib/engine/asl.ts';
import { contractDefinitions } from '../contracts/workflow-runtime.ts';
import { machines } from './machines.ts';
import { cloudTask, hostTask, LAMBDA, machine } from './shapes.ts';

const END = { Type: 'Succeed' };
const task = (rest: object) => machine({ Do: cloudTask(1, { End: true, ...rest }) });
const pass = (rest: object) => machine({ Do: { Type: 'Pass', End: true, ...rest } });
const says = (template: unknown) => pass({ Output: template });

const structure: [string, unknown, string][] = [
  ['no object', 'text', 'a definition must be an object'],
  ['JSONPath', { ...pass({}), QueryLanguage: 'JSONPath' }, 'QueryLanguage: must be "JSONata"'],
  ['no query language', { StartAt: 'A', States: { A: END } }, 'QueryLanguage: is missing'],
  ['an unknown field', pass({ Parameters: {} }), 'States.Do.Parameters: is not supported here'],
  [
    'Parallel',
    machine({ Do: { Type: 'Parallel', Branches: [], End: true } }),
    'States.Do: Type must be one of Task, Map, Wait, Pass, Choice, Succeed, Fail',
  ],
  ['another resource', task({ Resource: 'arn:aws:states:::sns:publish' }), 'States.Do.Resource: must be one of'],
  [
    'a task without arguments',
    machine({ Do: { Type: 'Task', Resource: LAMBDA, End: true } }),
    'States.Do.Arguments: is missing',
  ],
  [
    'a function by its name',
    task({ Arguments: { FunctionName: 'step', Payload: 1 } }),
    'States.Do.Arguments.FunctionName: must be a placeholder',
  ],
  ['a start that is not there', { ...pass({}), StartAt: 'No' }, 'States: there is no state "No"'],
  ['a target that is not there', pass({ End: undefined, Next: 'No' }), 'States: there is no state "No"'],
  ['a state that nothing leads to', machine({ Do: END, Lost: END }), 'States.Lost: no state leads here'],
  ['a state without a way on', machine({ Do: { Type: 'Pass' } }), 'States.Do: needs either Next or End'],
  ['a state with two ways on', pass({ Next: 'Do' }), 'States.Do: needs either Next or End'],
  [
    'a wait for two times',
    machine({ Do: { Type: 'Wait', Seconds: 1, Timestamp: '2026-01-01T00:00:00Z', End: true } }),
    'States.Do: needs either Seconds or Timestamp',
  ],
  [
    'a choice without a condition',
    machine({ Do: { Type: 'Choice', Choices: [{ Next: 'E' }] }, E: END }),
    'States.Do.Choices[0].Condition: is missing',
  ],
  [
    'a distributed map',
    machine({
      Do: {
        Type: 'Map',
        ItemProcessor: { StartAt: 'In', States: { In: END }, ProcessorConfig: { Mode: 'DISTRIBUTED' } },
        End: true,
      },
    }),
    'ItemProcessor.ProcessorConfig: must be { "Mode": "INLINE" }',
  ],
  [
    'a name used twice',
    machine({ Do: { Type: 'Map', ItemProcessor: { StartAt: 'Do', States: { Do: END } }, End: true } }),
    'States.Do.ItemProcessor.States.Do: the name is used twice',
  ],
  ['a name that is too long', machine({ ['D'.repeat(81)]: END }), 'a name has at most 80 characters'],
  [
    'a slow heartbeat',
    task({ HeartbeatSeconds: 60, TimeoutSeconds: 60 }),
    'States.Do.HeartbeatSeconds: must be smaller than TimeoutSeconds',
  ],
  [
    'a timeout that is no number',
    task({ TimeoutSeconds: 0 }),
    'States.Do.TimeoutSeconds: must be whole seconds from 1, or an expression',
  ],
  ['States.ALL in Retry', task({ Retry: [{ ErrorEquals: ['States.ALL'] }] }), 'States.ALL may stand in Catch only'],
  [
    'States.ALL beside others',
    task({ Catch: [{ ErrorEquals: ['States.ALL', 'A'], Next: 'Do' }] }),
    'States.Do.Catch[0]: States.ALL must stand alone',
  ],
  [
    'States.ALL before others',
    task({
      Catch: [
        { ErrorEquals: ['States.ALL'], Next: 'Do' },
        { ErrorEquals: ['A'], Next: 'Do' },
      ],
    }),
    'States.Do.Catch[0]: States.ALL must come last',
  ],
  [
    'an error Step Functions does not have',
    task({ Catch: [{ ErrorEquals: ['States.Nope'], Next: 'Do' }] }),
    '"States.Nope" is no error of Step Functions',
  ],
  [
    'a shrinking pause',
    task({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] }),
    'States.Do.Retry[0].BackoffRate: must be a number from 1',
  ],
  [
    'a limit below the pause',
    task({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 5, MaxDelaySeconds: 5 }] }),
    'MaxDelaySeconds must be greater than IntervalSeconds',
  ],
  [
    'a token that nobody gets',
    machine({ Do: { ...hostTask(1, { End: true }), Arguments: { QueueUrl: 'q', MessageBody: {} } } }),
    'must send $states.context.Task.Token',
  ],
];

const expressions: [string, unknown, string][] = [
  ['what is no JSONata', says('{% 1 + %}'), 'is no JSONata'],
  ['what newer JSONata only knows', says('{% $states.input.a ?? 1 %}'), 'is no JSONata'],
  ['an expression in a longer text', says('x {% 1 %}'), 'an expression must fill the whole string'],
  ['space around an expression', says(' {% 1 %} '), 'an expression must fill the whole string'],
  ['$eval', says('{% $eval("1") %}'), '$eval is forbidden'],
  ['a bare $', says('{% $ %}'), 'a bare $ has no value here'],
  ['$$', says('{% $$.input %}'), '$$ has no value'],
  ['a name in the air', says('{% input.a %}'), 'input stands without anything before it'],
  ['a variable nobody assigns', says('{% $count1 %}'), 'no state before assigns the variable $count1'],
  ['a result where there is none', pass({ Output: '{% $states.result %}' }), '$states.result is not known here'],
  [
    'an error where there is none',
    task({ Output: '{% $states.errorOutput %}' }),
    '$states.errorOutput is not known here',
  ],
  [
    'a result before there is one',
    task({ TimeoutSeconds: '{% $states.result.n %}' }),
    '$states.result is not known here',
  ],
  ['a variable with the name of a function', pass({ Assign: { sum: 1 } }), '"sum" cannot be the name of a variable'],
  [
    'a variable that is only assigned later',
    machine({ A: { Type: 'Pass', Output: '{% $x %}', Next: 'B' }, B: { Type: 'Pass', Assign: { x: 1 }, End: true } }),
    'States.A.Output: no state before assigns the variable $x',
  ],
  [
    'a variable of another way',
    machine({
      A: { ...cloudTask(1, {}), Catch: [{ ErrorEquals: ['E'], Assign: { x: 1 }, Next: 'C' }], Next: 'B' },
      B: { Type: 'Pass', Output: '{% $x %}', End: true },
      C: { Type: 'Pass', Output: '{% $x %}', End: true },
    }),
    'States.B.Output: no state before assigns the variable $x',
  ],
  [
    'a variable of a map that is not around it',
    machine({
      A: {
        Type: 'Map',
        ItemProcessor: { StartAt: 'In', States: { In: { Type: 'Pass', Assign: { x: 1 }, End: true } } },
        Next: 'B',
      },
      B: { Type: 'Pass', Output: '{% $x %}', End: true },
    }),
    'States.B.Output: no state before assigns the variable $x',
  ],
];

describe('checkDefinition refuses', () => {
  test.each([...structure, ...expressions])('%s', (_case, definition, problem) => {
    expect(checkDefinition(JSON.parse(JSON.stringify(definition)))).toEqual([expect.stringContaining(problem)]);
  });

  test('with all problems at once', () => {
    const definition = machine({ A: { Type: 'Pass', Result: 1 }, B: { Type: 'Wait', Seconds: -1, Next: 'C' } });
    expect(checkDefinition(definition)).toEqual([
      'States.A.Result: is not supported here',
      'States.B.Seconds: must be whole seconds or an expression',
      'States: there is no state "C"',
      'States.B: no state leads here',
    ]);
    expect(() => loadDefinition('backup', definition)).toThrow(
      expect.objectContaining({
        code: 'DefinitionRefused',
        message: expect.stringContaining('workflow "backup" was refused') as string,
      }) as Error,
    );
  });
});

describe('checkDefinition accepts', () => {
  test.each([
    ['$ in a filter', '{% $states.input.items[$ > 3] %}'],
    ['names after a value', '{% $states.input.a.{"k": b, "l": $.c} %}'],
    ['own variables and functions', '{% ($f := function($x) { $x + 1 }; $map([1], $f)) %}'],
    ['focus and index', '{% $states.input.a@$b#$i.[$b, $i] %}'],
    ['functions of Step Functions', '{% [$uuid(), $hash("a", "SHA-256"), $range(1, 3, 1)] %}'],
    ['sorting', '{% $states.input.items^(>price) %}'],
    ['a regular expression', '{% $contains($states.input.a, /^x{2}$/) %}'],
  ])('%s', (_case, template) => {
    expect(checkDefinition(says(template))).toEqual([]);
  });
});

type Validator = (definition: unknown) => { isValid: boolean; errors: unknown[] };
const validate = createRequire(import.meta.url)('asl-validator') as Validator | { default: Validator };
const folder = join(import.meta.dirname, '../../lib/workflows');
const shipped = readdirSync(folder)
  .filter((name) => name.endsWith('.asl.json'))
  .map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown] as const);

describe('our check and the public validator agree on', () => {
  const used = Object.entries(machines).map(([name, { definition }]) => [name, definition] as const);
  test.each([...shipped, ...Object.entries(contractDefinitions), ...used])('%s', (_name, definition) => {
    const isAsl = typeof validate === 'function' ? validate : validate.default;
    expect(checkDefinition(definition)).toEqual([]);
    // It writes defaults into what it is given.
    expect(isAsl(structuredClone(definition))).toMatchObject({ isValid: true, errors: [] });
  });
});
