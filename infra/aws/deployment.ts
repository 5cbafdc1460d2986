/**
 * What of the deployment follows from `octo.yml` and from the workflows: names, a queue and a role for every host, a state
 * machine for every definition, a role for every function. What is the same everywhere stands in serverless.yml and
 * infra/*.yml. Called by `serverless` while it reads those; asks nothing of AWS.
 */
import { readFileSync } from 'node:fs';
import { readConfig, type Config, type StoreConfig } from '../../lib/config.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { functionResources } from './functions.ts';
import { hostResources } from './hosts.ts';
import { workflowResources } from './workflows.ts';

export type Resources = Record<string, { Type: string; Properties: object; [attribute: string]: unknown }>;

export type Bucket = { bucket: string; prefix: string };

export type Deployment = {
  /** Before every name in the account: `octo-prod`. */
  name: string;
  archives: Bucket;
  state: Bucket;
  /** Before every name in Secrets Manager; ends in `/`. */
  secrets: string;
  instances: string[];
  /** A worker each. */
  hosts: { name: string; instances: string[]; readsFrom: string[] }[];
  /** The certificate authority of the workers' certificates. */
  authority: string;
};

/** As `serverless` calls what a file exports. */
type Asked = { resolveVariable: (name: string) => Promise<unknown> };

/** Names for the files in YAML. */
export const custom = async (asked: Asked) => {
  const { name, archives, state, secrets } = await deploymentOf(asked);
  const { config, slack } = await configOf(asked);
  return {
    name,
    archives: archives.bucket,
    archivesPrefix: archives.prefix,
    state: state.bucket,
    statePrefix: state.prefix,
    secrets,
    config,
    slackTeam: slack.team,
    slackChannel: slack.channel,
    slackSecret: `${secrets}slack`,
  };
};

export const resources = async (asked: Asked): Promise<{ Resources: Resources }> => {
  const deployment = await deploymentOf(asked);
  return {
    Resources: { ...workflowResources(deployment), ...hostResources(deployment), ...functionResources(deployment) },
  };
};

const configOf = async ({ resolveVariable }: Asked) => {
  const config = readConfig(String(await resolveVariable("param:config, 'octo.yml'")));
  const { slack } = config;
  if (config.aws === undefined || slack?.mode !== 'http')
    throw invalid(config, 'a deployment to AWS needs the section "aws", and "slack" with mode: http');
  return { config: config.file, slack, read: config };
};

const deploymentOf = async (asked: Asked): Promise<Deployment> => {
  const { read } = await configOf(asked);
  const { secrets } = read;
  if ('directory' in secrets) throw invalid(read, 'secrets have to be in Secrets Manager: { prefix, region }');
  return {
    name: `octo-${String(await asked.resolveVariable('sls:stage'))}`,
    archives: bucketOf(read, read.store.archives),
    state: bucketOf(read, read.store.state),
    secrets: secrets.prefix,
    instances: Object.keys(read.instances),
    hosts: hostsOf(read),
    authority: certificateIn(String(await asked.resolveVariable("param:certificateAuthority, 'worker-ca.pem'"))),
  };
};

const bucketOf = (config: Config, store: StoreConfig): Bucket => {
  if ('directory' in store) throw invalid(config, 'both stores have to be buckets: { bucket, region }');
  return { bucket: store.bucket, prefix: store.prefix };
};

/** The host for drills reads every instance: it is there to restore them. */
const hostsOf = ({ instances, drill }: Config): Deployment['hosts'] => {
  const all = Object.keys(instances);
  const drillHost = drill !== undefined && 'host' in drill ? drill.host.name : null;
  const named = Object.values(instances).flatMap(({ hosts }) => hosts.map(({ name }) => name));
  return [...new Set([...named, ...(drillHost === null ? [] : [drillHost])])].map((name) => {
    const served = Object.entries(instances).filter(([, { hosts }]) => hosts.some((host) => host.name === name));
    const others = served.flatMap(([, { restoresFrom }]) => restoresFrom);
    return {
      name,
      instances: served.map(([instance]) => instance),
      readsFrom: [...new Set(name === drillHost ? all : others)],
    };
  });
};

const certificateIn = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OctoError(
      'ConfigMissing',
      `cannot read the workers' certificate authority ${file}; docs/aws.md makes one`,
      {
        cause,
      },
    );
  }
};

const invalid = ({ file }: Config, what: string): OctoError => new OctoError('ConfigInvalid', `${file}: ${what}`);
