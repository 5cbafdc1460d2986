/**
 * Checks what the expressions of a definition say: syntax, variables that no state before could have assigned, parts of
 * `$states` that do not exist in that field, and the JSONata that Step Functions forbids (`$eval`, a bare `$` or `$$`,
 * names that hang in the air).
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
import type { Definition, State, StateGroup } from '../asl.ts';
import { targetsOf } from './structure.ts';
import { ADDED_FUNCTIONS, compile, isExpression } from '../expressions.ts';

const BUILT_IN =
  'abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger power reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter substringBefore sum toMillis trim type uppercase zip';
const FUNCTIONS = new Set<string>([...BUILT_IN.split(' '), ...ADDED_FUNCTIONS]);

type Site = { template: unknown; where: string; states: string[] };
type Report = (where: string, problem: string) => void;
type Edge = { to: string; assigns: string[] };

/** Problems of all expressions of a definition whose structure is sound. */
export const expressionProblems = (definition: Definition): string[] => {
  const problems: string[] = [];
  checkGroup(definition, { at: 'States', outer: new Set() }, (where, problem) => problems.push(`${where}: ${problem}`));
  return problems;
};

const checkGroup = (group: StateGroup, { at, outer }: { at: string; outer: Set<string> }, report: Report): void => {
  const known = variablesKnownAt(group, outer);
  for (const [name, state] of Object.entries(group.States)) {
    const where = `${at}.${name}`;
    const variables = known.get(name) ?? outer;
    for (const key of assignedIn(state)) {
      if (!/^[A-Za-z_]\w{0,79}$/.test(key) || key === 'states' || FUNCTIONS.has(key))
        report(where, `"${key}" cannot be the name of a variable`);
      else if (outer.has(key)) report(where, `the variable "${key}" is already used around this Map`);
    }
    for (const site of sitesOf(state)) checkTemplate(site, { where, variables }, report);
    if (state.Type === 'Map')
      checkGroup(state.ItemProcessor, { at: `${where}.ItemProcessor.States`, outer: variables }, report);
  }
};

const keysOf = (assign: Record<string, unknown> | undefined): string[] => Object.keys(assign ?? {});
const rulesOf = (state: State) => (state.Type === 'Choice' ? state.Choices : []);
const catchersOf = (state: State) => (state.Type === 'Task' || state.Type === 'Map' ? (state.Catch ?? []) : []);
const assignOf = (state: State) => ('Assign' in state ? state.Assign : undefined);

const assignedIn = (state: State): string[] =>
  [assignOf(state), ...[...rulesOf(state), ...catchersOf(state)].map(({ Assign }) => Assign)].flatMap(keysOf);

const edgesOf = (state: State): Edge[] => {
  const special = [...rulesOf(state), ...catchersOf(state)];
  const specialEdges = special.map(({ Next, Assign }) => ({ to: Next, assigns: keysOf(Assign) }));
  const plain = targetsOf({ ...state, Choices: undefined, Catch: undefined });
  return [...specialEdges, ...plain.map((to) => ({ to, assigns: keysOf(assignOf(state)) }))];
};

/** Per state, the variables that some way to it may have assigned. */
const variablesKnownAt = (group: StateGroup, outer: Set<string>): Map<string, Set<string>> => {
  const known = new Map([[group.StartAt, new Set(outer)]]);
  const pending = [group.StartAt];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    for (const { to, assigns } of edgesOf(group.States[name] as State)) {
      const before = known.get(to);
      const after = new Set([...(before ?? []), ...(known.get(name) ?? []), ...assigns]);
      if (before?.size === after.size) continue;
      known.set(to, after);
      pending.push(to);
    }
  }
  return known;
};

/** Every place of a state that may hold expressions, and which parts of `$states` exist there. */
const sitesOf = (state: State): Site[] => {
  const always = ['input', 'context'];
  const pick = (
    part: object,
    names: string[],
    { states, prefix = '' }: { states: string[]; prefix?: string },
  ): Site[] =>
    Object.entries(part)
      .filter(([key]) => names.includes(key))
      .map(([key, template]: [string, unknown]) => ({ template, where: prefix + key, states }));
  const before =
    'Arguments TimeoutSeconds HeartbeatSeconds Items ItemSelector MaxConcurrency Seconds Timestamp Error Cause';
  const after = state.Type === 'Task' || state.Type === 'Map' ? [...always, 'result'] : always;
  return [
    ...pick(state, before.split(' '), { states: always }),
    ...pick(state, ['Output', 'Assign'], { states: after }),
    ...rulesOf(state).flatMap((rule, n) =>
      pick(rule, ['Condition', 'Output', 'Assign'], { states: always, prefix: `Choices[${n}].` }),
    ),
    ...catchersOf(state).flatMap((catcher, n) =>
      pick(catcher, ['Output', 'Assign'], { states: [...always, 'errorOutput'], prefix: `Catch[${n}].` }),
    ),
  ];
};

const checkTemplate = (
  { template, where: field, states }: Site,
  at: { where: string; variables: Set<string> },
  report: Report,
): void => {
  const where = `${at.where}.${field}`;
  if (isExpression(template)) {
    for (const problem of new Set(problemsOf(template, { states, variables: at.variables }))) report(where, problem);
  } else if (typeof template === 'string') {
    if (template.includes('{%') || template.includes('%}'))
      report(where, 'an expression must fill the whole string, from {% to %}');
  } else if (typeof template === 'object' && template !== null) {
    for (const [key, part] of Object.entries(template) as [string, unknown][])
      checkTemplate({ template: part, where: `${field}.${key}`, states }, at, report);
  }
};

/** A node of JSONata's syntax tree; its own types name only a part of the fields. */
type Node = { type?: string; value?: unknown; [key: string]: unknown };
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

const problemsOf = (template: string, allowed: { states: string[]; variables: Set<string> }): string[] => {
  let tree: Node;
  try {
    tree = compile(template).ast() as unknown as Node;
  } catch (thrown) {
    return [`${template} is no JSONata: ${(thrown as Error).message}`];
  }
  const problems: string[] = [];
  const local = new Set<unknown>();
  walk(tree, false, (node) => {
    if (node.type === 'bind' && isNode(node['lhs'])) local.add(node['lhs'].value);
    if (node.type === 'lambda') for (const argument of node['arguments'] as Node[]) local.add(argument.value);
    for (const key of ['focus', 'index']) if (typeof node[key] === 'string') local.add(node[key]);
  });
  walk(tree, false, (node, hasContext) => {
    problems.push(
      ...nodeProblems(node, { hasContext, isKnown: (name) => local.has(name) || allowed.variables.has(name) }),
    );
    const [first, second] = node.type === 'path' ? (node['steps'] as Node[]) : [];
    if (first?.type === 'variable' && first.value === 'states' && second?.type === 'name')
      if (!allowed.states.includes(String(second.value)))
        problems.push(`$states.${String(second.value)} is not known here`);
  });
  return problems;
};

const nodeProblems = (
  { type, value }: Node,
  { hasContext, isKnown }: { hasContext: boolean; isKnown: (name: string) => boolean },
): string[] => {
  if (type === 'variable') {
    const name = String(value);
    if (name === '$') return ['$$ has no value in Step Functions'];
    if (name === '') return hasContext ? [] : ['a bare $ has no value here'];
    if (name === 'eval') return ['$eval is forbidden in Step Functions'];
    return name === 'states' || FUNCTIONS.has(name) || isKnown(name)
      ? []
      : [`no state before assigns the variable $${name}`];
  }
  const isDangling = !hasContext && (type === 'name' || type === 'wildcard' || type === 'descendant');
  return isDangling ? [`${String(value)} stands without anything before it`] : [];
};

/** Keys of a node under which `$` and names refer to what stands before. */
const WITH_CONTEXT = new Set(['stages', 'predicate', 'group', 'terms', 'pattern', 'update', 'delete']);

const walk = (node: Node, hasContext: boolean, visit: (node: Node, hasContext: boolean) => void): void => {
  visit(node, hasContext);
  for (const [key, child] of Object.entries(node)) {
    const isLater = node.type === 'path' && key === 'steps';
    for (const [index, part] of flatten(child).entries())
      walk(part, hasContext || WITH_CONTEXT.has(key) || (isLater && index > 0), visit);
  }
};

const flatten = (value: unknown): Node[] =>
  Array.isArray(value) ? value.flatMap(flatten) : isNode(value) && !(value instanceof RegExp) ? [value] : [];
