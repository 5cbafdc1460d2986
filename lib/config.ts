/**
 * The configuration file `octo.yml`: read, checked against its schema, and every problem named at once with its line.
 *
 * Secrets stand in it only by reference: `env:NAME` (environment variable) or `file:path` (first line of a file).
 * Paths are relative to the file. What a person may change while the bot runs is not here but in `domain/settings.ts`.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import * as z from 'zod';
import { drillSection } from './config/drill-section.ts';
import { policyProblems, Statement, type Policy } from './domain/runs/approval-policy.ts';
import { OctoError } from './domain/errors.ts';
import type { Instance } from './domain/instance.ts';
import { Secret } from './domain/secrets/secret.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name has lower-case letters, digits and dashes, at most 40');
const text = z.string().min(1);
const slackGroup = z.string().regex(/^S[A-Z0-9]+$/, 'a Slack user group has an id as in S0123456');
const mode = <M extends string>(value: M) => z.literal(value, 'the mode is http or socket');

/** Either would be right by itself: saying which key is one too many needs both. */
const notBoth: Parameters<typeof z.preprocess>[0] = (store, { issues }) => {
  if (typeof store === 'object' && store !== null && 'directory' in store && 'bucket' in store)
    issues.push({ code: 'custom', message: 'name a directory or a bucket, not both', input: store });
  return store;
};

/** The schema of a file in `base`: relative paths, also those inside references, come out absolute. */
const schemaIn = (base: string) =>
  fieldsIn(base).check(({ value, issues }) => {
    for (const { path, message } of policyProblems(policyOf(value), Object.keys(value.instances)))
      issues.push({ code: 'custom', message, path, input: value });
  });

const fieldsIn = (base: string) => {
  const path = text.transform((relative) => resolve(base, relative));
  const reference = z
    .string()
    .regex(/^(env:[A-Za-z_]\w*|file:.+)$/, 'a secret is named by reference: env:NAME or file:path')
    .transform((named) => (named.startsWith('file:') ? `file:${resolve(base, named.slice('file:'.length))}` : named));
  const aws = { region: text.exactOptional(), endpoint: z.url().exactOptional() };
  const slack = { apiUrl: z.url().exactOptional(), team: text, channel: text, botToken: reference };

  const store = z.preprocess(
    notBoth,
    z.union([
      z.strictObject({ directory: path }),
      z.strictObject({ bucket: z.string().min(3), prefix: z.string().default(''), ...aws }),
    ]),
  );
  return z.strictObject({
    version: z.literal(1),
    dataDirectory: path,
    store: z.strictObject({ archives: store, state: store }),
    secrets: z.union([
      z.strictObject({ directory: path, keyFile: path }),
      z.strictObject({ directory: path, passphrase: reference }),
      z.strictObject({ prefix: z.string(), kmsKeyId: text.exactOptional(), ...aws }),
    ]),
    /** Where workflows run and tasks wait in AWS; absent, this process runs them. See `compose/runtime.ts`. */
    aws: z
      .strictObject({
        region: text.exactOptional(),
        /** The ARN of the state machines without the workflow's name at its end, or `env:NAME`. */
        stateMachines: text,
        /** The address of the queues without the host's name at its end, or `env:NAME`. */
        queues: text,
      })
      .optional(),
    slack: z
      .union([
        z.strictObject({
          mode: mode('http'),
          /** On one machine; in AWS an address is given by the deployment. */
          port: z.number().int().min(0).max(65_535).default(3000),
          signingSecret: reference,
          ...slack,
        }),
        z.strictObject({ mode: mode('socket'), appToken: reference, ...slack }),
      ])
      .optional(),
    people: z.array(z.strictObject({ name, slack: text.optional(), account: text.optional() })).default([]),
    /** People by name, or the id of a Slack user group: whoever is in it and under `people`. */
    groups: z.record(name, z.union([z.array(name), z.strictObject({ slack: slackGroup })])).default({}),
    /** Who may ask for what, and who has to approve it: see `domain/approval-policy.ts`. */
    approval: z.array(Statement).default([]),
    drill: drillSection({ name, path, reference }).optional(),
    instances: z.record(name, instanceSchema(reference)).refine((instances) => Object.keys(instances).length > 0, {
      message: 'name at least one instance',
    }),
  });
};

const instanceSchema = <R extends z.ZodType<string>>(reference: R) =>
  z.strictObject({
    production: z.boolean().default(true),
    apiKey: reference,
    hosts: z
      .array(
        z.strictObject({
          name,
          url: z.url(),
          program: z.strictObject({ path: text, instanceName: z.string().default('OctopusServer') }),
        }),
      )
      .min(1),
    database: z.strictObject({
      name: z.string().min(1).max(128),
      connectionString: reference,
      share: z.strictObject({ sqlServerPath: text, workerPath: text }),
      /** A backup that reports no progress for so long is looked into, and stopped if SQL Server no longer works on it. */
      stallSeconds: z.number().int().min(1).default(900),
    }),
    extraFolders: z.array(z.strictObject({ name, path: text })).default([]),
    /** Other instances whose archives and keys this one's workers may read in AWS, because they are restored here. */
    restoresFrom: z.array(name).default([]),
  });

export type Config = z.infer<ReturnType<typeof schemaIn>> & {
  /** Absolute path of the file itself. */
  file: string;
};
export type StoreConfig = Config['store']['archives'];
export type SecretStoreConfig = Config['secrets'];
export type AwsConfig = NonNullable<Config['aws']>;
export type SlackConfig = NonNullable<Config['slack']>;
export type DrillConfig = NonNullable<Config['drill']>;
export type InstanceConfig = Config['instances'][string];

/** @throws ConfigMissing, ConfigInvalid with one line per problem */
export const readConfig = (file: string): Config => {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  const lineOf = (offset: number | undefined) => (offset === undefined ? 1 : lines.linePos(offset).line);
  const problems = document.errors.map(({ pos, message }) => ({
    line: lineOf(pos[0]),
    text: message.split('\n', 1)[0],
  }));
  const parsed = schemaIn(dirname(resolve(file))).safeParse(document.errors.length > 0 ? {} : document.toJS(), {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  if (problems.length === 0 && !parsed.success) {
    for (const issue of flatten(parsed.error.issues)) {
      problems.push({
        line: lineOf(offsetOf(document, issue.path)),
        text: `${issue.path.join('.')}: ${issue.message}`,
      });
    }
  }
  if (problems.length > 0 || !parsed.success) {
    const inOrder = problems.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `line ${line}: ${text}`);
    throw new OctoError('ConfigInvalid', `${file} has ${problems.length} problem(s)\n${inOrder.join('\n')}`);
  }
  return { ...parsed.data, file: resolve(file) };
};

/** The value a reference stands for. @throws SecretMissing */
export const resolveSecret = (reference: string, environment: NodeJS.ProcessEnv): Secret => {
  const [kind, target = ''] = splitOnce(reference, ':');
  const value = kind === 'env' ? environment[target] : readSecretFile(target);
  if (value === undefined || value === '') {
    throw new OctoError('SecretMissing', `${reference} has no value`, { facts: { reference } });
  }
  return new Secret(value);
};

/** The approval policy with the people and groups that it speaks of. */
export const policyOf = ({ people, groups, approval }: Pick<Config, 'people' | 'groups' | 'approval'>): Policy => ({
  people: people.map((person) => person.name),
  groups: Object.fromEntries(Object.entries(groups).map(([group, of]) => [group, Array.isArray(of) ? of : []])),
  statements: approval,
  slackGroups: Object.fromEntries(
    Object.entries(groups).flatMap(([group, of]) => (Array.isArray(of) ? [] : [[group, of.slack]])),
  ),
  slackPeople: Object.fromEntries(
    people.flatMap((person) => (person.slack === undefined ? [] : [[person.slack, person.name]])),
  ),
});

/** The part of an instance's configuration that steps and commands see: no references to secrets. */
export const instanceOf = (instance: string, config: InstanceConfig): Instance => ({
  name: instance,
  isProduction: config.production,
  hosts: config.hosts,
  database: { name: config.database.name, share: config.database.share },
  extraFolders: config.extraFolders,
});

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OctoError('ConfigMissing', `cannot read ${file}`, { cause });
  }
};

const readSecretFile = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0]?.trim();
  } catch {
    return undefined;
  }
};

type Issue = { path: PropertyKey[]; message: string };

/** A union's failure says nothing by itself: the branch that came nearest does, first of all the one that was named. */
const flatten = (issues: z.core.$ZodIssue[], parent: PropertyKey[] = []): Issue[] =>
  issues.flatMap((issue) => {
    const path = [...parent, ...issue.path];
    if (issue.code === 'invalid_key') return flatten(issue.issues, path);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known here' }));
    if (issue.code !== 'invalid_union') return [{ path, message: issue.message }];
    const named = issue.errors.filter((branch) => branch.every(({ code }) => code !== 'invalid_value'));
    const branches = (named.length > 0 ? named : issue.errors).map((branch) => flatten(branch, path));
    return branches.toSorted((a, b) => a.length - b.length)[0] ?? [{ path, message: issue.message }];
  });

/** Where the key or item at `path` begins; what is missing is reported at the nearest parent that exists. */
const offsetOf = (document: Document, path: PropertyKey[]): number | undefined => {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const segment of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === segment) : undefined;
    const key = pair?.key ?? (isSeq(node) ? node.items[Number(segment)] : undefined);
    if (!isNode(key)) break;
    offset = key.range?.[0];
    node = pair === undefined ? key : pair.value;
  }
  return offset;
};

const splitOnce = (text: string, separator: string): [string, string?] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};
