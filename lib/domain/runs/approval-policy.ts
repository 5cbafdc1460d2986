/**
 * The approval policy as it stands in the configuration: who may ask for what on which instance, and who has to approve.
 *
 * A statement that denies wins wherever it stands. Of the others the first that fits decides, and without one the product's
 * defaults do. Pure, because it is asked three times: when a run is requested, when somebody clicks, and before the run goes on.
 */
import * as z from 'zod';

/** What a policy can speak of, also where no command asks for it yet. */
export const VERBS = ['backup', 'restore', 'drill', 'move', 'clone', 'delete', 'keys', 'settings'] as const;
export type Verb = (typeof VERBS)[number];

/** Everybody whom the configuration knows; never the schedule, which is no person. */
export const EVERYONE = 'everyone';
/** The schedule as a statement names it under `who`. */
export const SCHEDULE = 'schedule';

const EVERYTHING = 'everything';

/** A person, or `@group`. */
export const MEMBER = /^@?[a-z0-9][a-z0-9-]{0,39}$/;
const member = z.string().regex(MEMBER, 'name a person, or a group as @name');
const members = z.union([z.literal(EVERYONE), z.array(member).min(1)]).transform((named) => [named].flat());
const everything = z.literal(EVERYTHING).transform(() => null);
const minutes = z.number().int().min(1).max(43_200);

const scope = {
  who: members.default([EVERYONE]),
  /** People and groups of `who` whom the statement does not mean. */
  except: z.array(member).default([]),
  /** `null` is everything. */
  verbs: z.union([everything, z.array(z.enum(VERBS)).min(1)]),
  instances: z.union([everything, z.array(z.string()).min(1)]).default(null),
};

export const Statement = z.discriminatedUnion('effect', [
  z.strictObject({ effect: z.literal('deny'), ...scope }),
  z.strictObject({
    effect: z.literal('approve'),
    ...scope,
    approvers: members.default([EVERYONE]),
    /** How many different people have to approve; 0 lets the request through. */
    count: z.number().int().min(0).max(20).default(1),
    expiryMinutes: minutes.default(240),
    /** When to remind the channel, in minutes after it was asked. */
    remindMinutes: z.array(minutes).default([30, 90, 210]),
    /** Whether an approver types the instance's name; on production instances unless told otherwise. */
    typedConfirmation: z.boolean().exactOptional(),
    mayApproveSelf: z.boolean().default(false),
    /** Who may let a run through alone, with a reason that stays open until somebody else closes it. */
    breakGlass: z.union([z.literal('nobody').transform((): string[] => []), members]).default([]),
  }),
]);
export type Statement = z.infer<typeof Statement>;

/** What the settings of an instance ask for on top of the configuration, of whoever asks for a backup of it. */
export const ApprovalSetting = z.strictObject({
  isRequired: z.boolean(),
  approvers: z.array(member).min(1),
  count: z.number().int().min(1).max(20),
});
export type ApprovalSetting = z.infer<typeof ApprovalSetting>;

/** The policy with the people and groups that it names. */
export type Policy = {
  people: readonly string[];
  /** Of a group that is kept in Slack, its members as `repository/people/policy.ts` has read them; empty before. */
  groups: Readonly<Record<string, readonly string[]>>;
  statements: readonly Statement[];
  /** Groups whose members Slack knows: the id of the user group. */
  slackGroups?: Readonly<Record<string, string>>;
  /** Who is who in Slack, by user id. */
  slackPeople?: Readonly<Record<string, string>>;
  /** Of the one instance that is asked about; `repository/people/policy.ts` puts it there. */
  setting?: ApprovalSetting;
};

/** What has to happen before a run goes on, as its run book keeps it. */
export const Requirement = z.strictObject({
  count: z.number().int().min(1),
  /** People and `@groups` as the policy names them, or `everyone`. */
  approvers: z.array(z.string()),
  expiryMinutes: z.number().int(),
  remindMinutes: z.array(z.number().int()),
  isTyped: z.boolean(),
  mayApproveSelf: z.boolean(),
  breakGlass: z.array(z.string()),
});
export type Requirement = z.infer<typeof Requirement>;

/** Who asks for what: a run, or one that is about to be. */
export type Asking = {
  verb: Verb;
  instance: { name: string; isProduction: boolean };
  by: { door: string; person: string };
};

/** Who asks for what in a run that is there already. */
export const askingOf = (
  { workflow, requestedBy }: { workflow: Verb; requestedBy: Asking['by'] },
  instance: Asking['instance'],
): Asking => ({ verb: workflow, instance, by: requestedBy });

export type Verdict = { kind: 'free' } | { kind: 'denied' } | { kind: 'approval'; requirement: Requirement };

/** Whether the request is let through, refused, or has to be approved and by whom. */
export const requirement = (policy: Policy, asking: Asking): Verdict => {
  const fitting = policy.statements.filter((statement) => isMeant(policy, statement, asking));
  if (fitting.some(({ effect }) => effect === 'deny')) return { kind: 'denied' };
  const configured = fitting.find((one) => one.effect === 'approve') ?? defaultFor(asking.verb);
  const { count, approvers, mayApproveSelf } = withSetting(policy, configured, asking);
  if (count === 0) return { kind: 'free' };
  const { expiryMinutes, remindMinutes, breakGlass, typedConfirmation } = configured;
  const isTyped = typedConfirmation ?? asking.instance.isProduction;
  return {
    kind: 'approval',
    requirement: { count, approvers, expiryMinutes, remindMinutes, isTyped, mayApproveSelf, breakGlass },
  };
};

type Approving = Extract<Statement, { effect: 'approve' }>;
type Needed = Pick<Approving, 'count' | 'approvers' | 'mayApproveSelf'>;

/** What both ask for: as many people as the one that asks for more, and only people whom both name. */
const withSetting = (policy: Policy, configured: Approving, { verb, by }: Asking): Needed => {
  const { setting } = policy;
  if (setting?.isRequired !== true || verb !== 'backup' || by.door === 'schedule') return configured;
  return {
    count: Math.max(configured.count, setting.count),
    approvers: configured.count === 0 ? setting.approvers : inBoth(policy, configured.approvers, setting.approvers),
    mayApproveSelf: false,
  };
};

const inBoth = (policy: Policy, one: string[], other: string[]): string[] => {
  if (one.includes(EVERYONE)) return other;
  if (other.includes(EVERYONE)) return one;
  const others = new Set(peopleIn(policy, other));
  return peopleIn(policy, one).filter((person) => others.has(person));
};

/** The people that a list of names, groups and `everyone` stands for. A person whom the configuration does not know is nobody. */
export const peopleIn = (policy: Policy, named: readonly string[]): string[] => {
  const meant = new Set(
    named.flatMap((name) => {
      if (name === EVERYONE) return policy.people;
      return name.startsWith('@') ? (policy.groups[name.slice(1)] ?? []) : [name];
    }),
  );
  return policy.people.filter((person) => meant.has(person));
};

/** Who can approve what `requestedBy` asks for. */
export const peopleWhoMay = (
  policy: Policy,
  { approvers, mayApproveSelf }: Pick<Requirement, 'approvers' | 'mayApproveSelf'>,
  requestedBy: string,
): string[] => peopleIn(policy, approvers).filter((person) => mayApproveSelf || person !== requestedBy);

/** Names that the policy uses and nothing in the configuration bears, each with its path there: a typing error must not open a door. */
export const policyProblems = (
  { people, groups, statements }: Policy,
  instances: readonly string[],
): { path: (string | number)[]; message: string }[] => {
  const reserved = people.flatMap((person, at) =>
    [EVERYONE, SCHEDULE].includes(person) ? [{ path: ['people', at], message: `"${person}" cannot be a person` }] : [],
  );
  const unknownIn = (named: readonly string[], known: readonly string[], path: (string | number)[]) =>
    named.filter((name) => !known.includes(name)).map((name) => ({ path, message: `there is no "${name}"` }));
  const members = [EVERYONE, ...people, ...Object.keys(groups).map((group) => `@${group}`)];
  return [
    ...reserved,
    ...Object.entries(groups).flatMap(([group, list]) => unknownIn(list, people, ['groups', group])),
    ...statements.flatMap((statement, at) => [
      ...unknownIn(statement.instances ?? [], instances, ['approval', at, 'instances']),
      ...unknownIn(statement.who, [...members, SCHEDULE], ['approval', at, 'who']),
      ...unknownIn(statement.except, [...members, SCHEDULE], ['approval', at, 'except']),
      ...(statement.effect === 'deny'
        ? []
        : [
            // A form is saved at once: there is nothing that could wait for a second person.
            ...(statement.verbs?.includes('settings') === true
              ? [{ path: ['approval', at, 'verbs'], message: 'settings can be denied, but not approved' }]
              : []),
            ...unknownIn(statement.approvers, members, ['approval', at, 'approvers']),
            ...unknownIn(statement.breakGlass, members, ['approval', at, 'breakGlass']),
          ]),
    ]),
  ];
};

const isMeant = (policy: Policy, statement: Statement, { verb, instance, by }: Asking): boolean =>
  (statement.verbs === null || statement.verbs.includes(verb)) &&
  (statement.instances === null || statement.instances.includes(instance.name)) &&
  isAmong(policy, statement.who, by) &&
  !isAmong(policy, statement.except, by);

/** A stranger is meant by `everyone` too: what holds for all must hold for those whom nobody knows. */
const isAmong = (policy: Policy, named: readonly string[], { door, person }: Asking['by']): boolean => {
  if (door === 'schedule') return named.includes(SCHEDULE);
  return named.includes(EVERYONE) || peopleIn(policy, named).includes(person);
};

/** Harms nobody, so nobody is asked; everything else needs a second person. */
const HARMLESS = new Set<Verb>(['backup', 'drill', 'settings']);

const defaultFor = (verb: Verb): Approving => ({
  effect: 'approve',
  who: [EVERYONE],
  except: [],
  verbs: null,
  instances: null,
  approvers: [EVERYONE],
  count: HARMLESS.has(verb) ? 0 : 1,
  expiryMinutes: 240,
  remindMinutes: [30, 90, 210],
  mayApproveSelf: false,
  breakGlass: [],
});
