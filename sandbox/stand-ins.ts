/**
 * Everything a sandbox needs besides the product: SQL Server, another one for drills, an Octopus instance `prod` on it, perhaps a second one
 * `spare`, and Slack, each a server of its own behind its real protocol; and the `octo.yml` that points the product at
 * them, as an administrator would write it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type S3StandIn, startS3 } from './aws/s3.ts';
import { SANDBOX_CREDENTIALS } from './aws/signature.ts';
import { type Octopus, type OctopusOptions, startOctopus } from './octopus/server.ts';
import { type SeededInstance, type SeedOptions, seedOctopus } from './octopus/seed.ts';
import { startSlack, type SlackStandIn } from './slack/server.ts';
import { TEAM } from './slack/workspace.ts';
import { type SqlServerStandIn, startSqlServer } from './sql-server/server.ts';

export type SandboxOptions = {
  /** Everything lies here and survives a restart. */
  directory: string;
  seed: string;
  sizeMegabytes: number;
  /** Of the page; 0 takes a free one. */
  port: number;
  /** Archives lie in S3 instead of a directory, where they meet what goes wrong on the way to a store. */
  hasS3?: boolean;
  /** How busy the Octopus server is; as busy as a real one unless told otherwise. */
  pace?: Pick<OctopusOptions, 'queueMs' | 'taskSeconds' | 'workEverySeconds'>;
  /** Backups wait for a second person. */
  needsApproval?: boolean;
  /** A second instance `spare`, installed a moment ago on a machine of its own, for whoever wants to restore elsewhere. */
  hasSpare?: boolean;
};

/** An Octopus instance with a machine of its own. */
export type Installed = { octopus: Octopus; seeded: SeededInstance; machine: string };

export type StandIns = {
  slack: SlackStandIn;
  sqlServer: SqlServerStandIn;
  /** Another one, which archives are restored on by drills. */
  drillServer: SqlServerStandIn;
  octopus: Octopus;
  seeded: SeededInstance;
  /** The second instance, when there is one. */
  spare: Installed | null;
  /** Where the archives are, when that is not a directory. */
  s3: S3StandIn | null;
  /** The machine that Octopus is installed on. */
  machine: string;
  /** The product's configuration, and what it needs in its environment. */
  configFile: string;
  environment: Record<string, string>;
  close(): Promise<void>;
};

/** Who can type. */
export const PEOPLE: readonly string[] = ['ana', 'ben', 'cara'];
const DATABASE = 'OctopusDeploy';
const SPARE_DATABASE = 'OctopusSpare';
const BUCKET = 'octopus-archives';

export const startStandIns = async (options: SandboxOptions): Promise<StandIns> => {
  const at = (...parts: string[]) => join(options.directory, ...parts);
  for (const folder of ['keys', 'share', 'drill-share']) mkdirSync(at(folder), { recursive: true, mode: 0o700 });
  const key = (name: string, prefix = '') => keptSecret(at('keys', name), prefix);

  const password = key('sql-password');
  const sqlServer = await startSqlServer({ directory: at('sql-server'), logins: { octo: password } });
  const drillServer = await startSqlServer({ directory: at('drill-sql-server'), logins: { octo: password } });
  const connectionStringFor = (database: string, { port } = sqlServer): string =>
    `Server=127.0.0.1,${port};Database=${database};User Id=octo;Password=${password};Encrypt=true;TrustServerCertificate=true`;
  const { octopus, seeded, machine } = await install({
    directory: at('octopus'),
    connectionString: connectionStringFor(DATABASE),
    seed: options.seed,
    sizeMegabytes: options.sizeMegabytes,
    ...options.pace,
  });
  const spare =
    options.hasSpare === true
      ? await install({
          directory: at('octopus-spare'),
          connectionString: connectionStringFor(SPARE_DATABASE),
          seed: `${options.seed}/spare`,
          nodeName: 'spare-1',
          isFresh: true,
          workEverySeconds: null,
        })
      : null;
  const s3 = options.hasS3 === true ? await startS3({ directory: at('s3'), buckets: [BUCKET] }) : null;
  const slack = await startSlack({
    port: options.port,
    directory: at('slack'),
    signingSecret: key('slack-signing-secret'),
    botToken: key('slack-bot-token', 'xoxb-'),
    channel: 'octopus-ops',
    people: PEOPLE,
  });

  const file = (name: string, value: string): string => {
    writeFileSync(at('keys', name), value, { mode: 0o600 });
    return `file:keys/${name}`;
  };
  const instance = (
    { octopus: server, seeded: node }: Installed,
    { database, isProduction, prefix = '' }: { database: string; isProduction: boolean; prefix?: string },
  ) => ({
    production: isProduction,
    apiKey: file(`${prefix}octopus-api-key`, node.apiKey),
    hosts: [
      { name: node.nodeName, url: server.url, program: { path: node.programPath, instanceName: node.instanceName } },
    ],
    database: {
      name: database,
      connectionString: file(`${prefix}connection-string`, connectionStringFor(database)),
      share: { sqlServerPath: at('share'), workerPath: at('share') },
    },
  });
  key('store-key');
  const config = {
    version: 1,
    dataDirectory: 'data',
    store: {
      archives:
        s3 === null ? { directory: 'store/archives' } : { bucket: BUCKET, endpoint: s3.url, region: 'us-east-1' },
      state: { directory: 'store/state' },
    },
    secrets: { directory: 'secrets', keyFile: 'keys/store-key' },
    slack: {
      mode: 'http',
      port: 0,
      apiUrl: slack.apiUrl,
      team: TEAM.id,
      channel: slack.api.channelId,
      signingSecret: 'file:keys/slack-signing-secret',
      botToken: 'file:keys/slack-bot-token',
    },
    people: PEOPLE.map((name) => ({
      name,
      slack: slack.api.person(name)?.id,
      ...(name === 'ana' ? { account: userInfo().username } : {}),
    })),
    ...(options.needsApproval === true && {
      approval: [{ effect: 'approve', verbs: ['backup'], breakGlass: ['cara'] }],
    }),
    drill: {
      host: {
        name: 'drill-1',
        database: {
          connectionString: file('drill-connection-string', connectionStringFor('master', drillServer)),
          share: { sqlServerPath: at('drill-share'), workerPath: at('drill-share') },
        },
      },
    },
    instances: {
      prod: instance({ octopus, seeded, machine }, { database: DATABASE, isProduction: true }),
      ...(spare !== null && {
        spare: instance(spare, { database: SPARE_DATABASE, isProduction: false, prefix: 'spare-' }),
      }),
    },
  };
  const configFile = at('octo.yml');
  writeFileSync(configFile, stringify(config), { mode: 0o600 });
  return {
    slack,
    sqlServer,
    drillServer,
    octopus,
    seeded,
    spare,
    s3,
    machine,
    configFile,
    environment:
      s3 === null
        ? {}
        : {
            AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
            AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
          },
    close: async () => {
      await Promise.all([octopus.close(), spare?.octopus.close()]);
      await Promise.all([slack.close(), sqlServer.close(), drillServer.close(), s3?.close()]);
    },
  };
};

/** Seeded where it is not there yet, and started. */
const install = async (options: SeedOptions & Omit<OctopusOptions, 'instanceName'>): Promise<Installed> => {
  const seeded = await seedOctopus(options);
  const octopus = await startOctopus({ ...options, instanceName: seeded.instanceName });
  return { octopus, seeded, machine: options.directory };
};

/** Drawn once, then kept: a restarted sandbox finds its own keys again. */
const keptSecret = (file: string, prefix: string): string => {
  if (!existsSync(file)) writeFileSync(file, `${prefix}${randomBytes(32).toString('hex')}`, { mode: 0o600 });
  return readFileSync(file, 'utf8');
};
