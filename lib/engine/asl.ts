/**
 * The part of Amazon States Language that our definitions use: its types, and the check at load.
 *
 * Whatever is outside this subset is refused by name, even where Step Functions would take it; whatever Step Functions
 * refuses is refused too. All problems are reported at once. What fields may hold is in `checks/structure.ts`,
 * what expressions may say in `checks/expressions.ts`.
 * @see https://states-language.net/spec.html
 */
import { OctoError } from '../domain/errors.ts';
import { expressionProblems } from './checks/expressions.ts';
import { structureProblems } from './checks/structure.ts';

/** A state machine. The shape is guaranteed only after `loadDefinition`. */
export type Definition = StateGroup & { Comment?: string; QueryLanguage: 'JSONata'; TimeoutSeconds?: number };

/** The states of a definition, or of one Map: names resolve within a group. */
export type StateGroup = { StartAt: string; States: Record<string, State> };

/** A string that may be `{% … %}`, or JSON that holds such strings. */
export type Template = unknown;

type Common = { Comment?: string; Output?: Template; Assign?: Record<string, Template> };
type Onward = { Next?: string; End?: boolean };
type Fallible = { Retry?: Retrier[]; Catch?: Catcher[] };

export type Resource =
  | 'arn:aws:states:::lambda:invoke'
  | 'arn:aws:states:::lambda:invoke.waitForTaskToken'
  | 'arn:aws:states:::sqs:sendMessage.waitForTaskToken';

export type TaskState = Common &
  Onward &
  Fallible & {
    Type: 'Task';
    Resource: Resource;
    Arguments: Template;
    TimeoutSeconds?: number | string;
    HeartbeatSeconds?: number | string;
  };
export type MapState = Common &
  Onward &
  Fallible & {
    Type: 'Map';
    ItemProcessor: StateGroup;
    Items?: Template;
    ItemSelector?: Template;
    MaxConcurrency?: number | string;
  };
export type WaitState = Common & Onward & { Type: 'Wait'; Seconds?: number | string; Timestamp?: string };
export type PassState = Common & Onward & { Type: 'Pass' };
export type ChoiceState = Common & { Type: 'Choice'; Choices: ChoiceRule[]; Default?: string };
export type SucceedState = Common & { Type: 'Succeed' };
export type FailState = { Comment?: string; Type: 'Fail'; Error?: string; Cause?: string };
export type State = TaskState | MapState | WaitState | PassState | ChoiceState | SucceedState | FailState;

export type ChoiceRule = Common & { Condition: boolean | string; Next: string };
export type Catcher = Common & { ErrorEquals: string[]; Next: string };
export type Retrier = {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
};

/** Every problem of a definition, each naming where it is; empty when the engine and Step Functions would both take it. */
export const checkDefinition = (definition: unknown): string[] => {
  const problems = structureProblems(definition);
  // Expressions are only looked at in a definition that holds together, or every slip would be reported twice.
  return problems.length > 0 ? problems : expressionProblems(definition as Definition);
};

/** A checked definition. @throws DefinitionRefused naming every problem */
export const loadDefinition = (name: string, definition: unknown): Definition => {
  const problems = checkDefinition(definition);
  if (problems.length === 0) return definition as Definition;
  throw new OctoError('DefinitionRefused', `workflow "${name}" was refused: ${problems.join('; ')}`, {
    facts: { workflow: name, problems },
  });
};

/**
 * Checked definitions by workflow name, with CloudFormation's placeholders filled in. A placeholder that names a function
 * stays: it is the function's name here. @throws DefinitionRefused also for a placeholder that nothing fills
 */
export const bindDefinitions = (from: {
  definitions: Record<string, unknown>;
  functions: Record<string, unknown>;
  placeholders?: Record<string, string>;
}): Map<string, Definition> =>
  new Map(
    Object.entries(from.definitions).map(([name, raw]) => {
      const missing = new Set<string>();
      const fill = (whole: string, placeholder: string): string => {
        if (Object.hasOwn(from.functions, placeholder)) return whole;
        const value = from.placeholders?.[placeholder];
        if (value === undefined) missing.add(whole);
        return JSON.stringify(value ?? '').slice(1, -1);
      };
      const text = JSON.stringify(loadDefinition(name, raw)).replaceAll(/\$\{(\w+)\}/g, fill);
      if (missing.size > 0)
        throw new OctoError('DefinitionRefused', `workflow "${name}" needs ${[...missing].join(', ')}`, {
          facts: { workflow: name, problems: [...missing] },
        });
      return [name, JSON.parse(text) as Definition];
    }),
  );
