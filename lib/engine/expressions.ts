/**
 * JSONata as Step Functions runs it (2.0.6), over templates: JSON in which a string that is wholly `{% … %}` is computed.
 *
 * An expression is compiled once. Time and chance come from the caller, so that a result is computed once and then only
 * ever read from the journal. What may stand in an expression is checked at load, in `checks/expressions.ts`.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import { stateFailure, type Moment } from './failure.ts';

/** What an expression sees: `$states` and the variables assigned so far. */
export type Scope = { states: Record<string, unknown>; variables: Record<string, unknown> };

/** Functions that Step Functions adds to JSONata. */
export const ADDED_FUNCTIONS = ['partition', 'range', 'hash', 'random', 'uuid', 'parse'] as const;

export const isExpression = (template: unknown): template is string =>
  typeof template === 'string' && template.startsWith('{%') && template.endsWith('%}');

const compiled = new Map<string, jsonata.Expression>();

/** The compiled expression of `{% … %}`. @throws what JSONata says about its syntax */
export const compile = (template: string): jsonata.Expression => {
  const known = compiled.get(template);
  if (known) return known;
  const expression = jsonata(template.slice(2, -2));
  compiled.set(template, expression);
  return expression;
};

/**
 * The value of a template; `location` names the field in the failure.
 * @throws StateFailure `States.QueryEvaluationError` when an expression fails or has no value
 */
export const evaluate = async (
  template: unknown,
  { scope, moment, location }: { scope: Scope; moment: Moment; location: string },
): Promise<unknown> => {
  const bindings = { states: scope.states, ...scope.variables, ...functionsAt(moment) };
  const visit = async (part: unknown, path: string): Promise<unknown> => {
    if (isConstant(part)) return part;
    if (typeof part === 'string') return evaluateOne(part, bindings, path);
    const isList = Array.isArray(part);
    const parts: [string, unknown][] = [];
    for (const [key, item] of Object.entries(part as object) as [string, unknown][])
      parts.push([key, isConstant(item) ? item : await visit(item, isList ? `${path}[${key}]` : `${path}/${key}`)]);
    return isList ? parts.map(([, item]) => item) : Object.fromEntries(parts);
  };
  return visit(template, location);
};

const constants = new WeakMap<object, boolean>();

/** Is nothing in this template to be computed? Remembered, since a definition's templates are looked at again and again. */
export const isConstant = (template: unknown): boolean => {
  if (typeof template !== 'object' || template === null) return !isExpression(template);
  const known = constants.get(template);
  if (known !== undefined) return known;
  const found = Object.values(template).every(isConstant);
  constants.set(template, found);
  return found;
};

const evaluateOne = async (template: string, bindings: Record<string, unknown>, location: string): Promise<unknown> => {
  const fail = (reason: string) =>
    stateFailure('States.QueryEvaluationError', `the expression ${template} ${reason}`, { location });
  let result = lookUp(template, bindings);
  try {
    result ??= await compile(template).evaluate(undefined, bindings);
  } catch (thrown) {
    throw fail(`failed: ${(thrown as Error).message}`);
  }
  // JSONata marks its arrays with hidden properties: only what survives JSON is a result.
  const json = JSON.stringify(result, (_key, part: unknown) => {
    if (isFunction(part)) throw fail('returned a function');
    return part;
  });
  if (json === undefined) throw fail('returned nothing');
  return JSON.parse(json);
};

/** A variable and names, and none of the words that JSONata reads as something else. */
const PLAIN_PATH = /^\{%\s*\$([A-Za-z]\w*(?:\.(?!(?:and|or|in|true|false|null|function)\b)[A-Za-z]\w*)*)\s*%\}$/;
const plainPaths = new Map<string, string[] | null>();

/** What a plain path through objects leads to, as most expressions are; `undefined` for all else is left to JSONata. */
const lookUp = (template: string, bindings: Record<string, unknown>): unknown => {
  if (!plainPaths.has(template)) plainPaths.set(template, PLAIN_PATH.exec(template)?.[1]?.split('.') ?? null);
  let found: unknown = bindings;
  for (const name of plainPaths.get(template) ?? ['']) {
    const isObject = typeof found === 'object' && found !== null && !Array.isArray(found);
    if (!isObject || !Object.hasOwn(found as object, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return Array.isArray(found) || typeof found === 'function' ? undefined : found;
};

const isFunction = (part: unknown): boolean =>
  typeof part === 'function' ||
  (typeof part === 'object' && part !== null && ('_jsonata_lambda' in part || '_jsonata_function' in part));

const functionsAt = (moment: Moment): Record<string, unknown> => ({
  partition: (items: unknown[], size: number) =>
    Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size)),
  range: (first: number, last: number, step: number) =>
    Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, n) => first + n * step),
  hash: (data: unknown, algorithm: string) =>
    createHash(algorithm.replace('-', ''))
      .update(typeof data === 'string' ? data : JSON.stringify(data))
      .digest('hex'),
  random: (seed?: number) => (seed === undefined ? moment.random() : seededRandom(seed)),
  uuid: () => moment.uuid(),
  parse: (text: string) => JSON.parse(text) as unknown,
  millis: () => moment.at.getTime(),
  now: async (picture?: string, timezone?: string) =>
    (await FORMAT_NOW.evaluate(undefined, { at: moment.at.getTime(), picture, timezone })) as unknown,
});

const FORMAT_NOW = jsonata('$fromMillis($at, $picture, $timezone)');

/** One step of mulberry32: equal seeds, equal numbers. */
const seededRandom = (seed: number): number => {
  let t = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
