/**
 * The Secrets Manager stand-in's operations, with the original's limits, refusals and idempotency by ClientRequestToken.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference
 */
import { randomBytes } from 'node:crypto';
import type { Parameters } from '../json/json-service.ts';
import { refusal } from '../refusal.ts';
import type { SecretsShelf, SecretVersion, StoredSecret } from './secrets-shelf.ts';

export type SecretsCall = { shelf: SecretsShelf; parameters: Parameters; nowSeconds: number };
type SecretsOperation = (call: SecretsCall) => object;

type Served = { operation: string; extent: 'full' | 'part' | 'none'; note: string; perform?: SecretsOperation };

const NAME = /^[A-Za-z0-9/_+=.@!-]{1,512}$/;
const MAX_VALUE_BYTES = 65_536;
const PAGE = 100;
const DAY_SECONDS = 86_400;

const text = ({ parameters }: SecretsCall, name: string): string | null => {
  const value = parameters[name] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw refusal(400, 'SerializationException', { message: `${name} is no string` });
};

const invalid = (message: string) => refusal(400, 'InvalidParameterException', { message });
const tooLong = (name: string) =>
  refusal(400, 'ValidationException', { message: `${name} does not satisfy its length constraint` });

/** The version that a write asks for. */
const versionIn = (call: SecretsCall, stages: string[]): SecretVersion => {
  const [id, string, binary] = [
    text(call, 'ClientRequestToken'),
    text(call, 'SecretString'),
    text(call, 'SecretBinary'),
  ];
  if (id === null) throw invalid('You must provide a ClientRequestToken value.');
  if (id.length < 32 || id.length > 64) throw tooLong('ClientRequestToken');
  if (string !== null && binary !== null)
    throw invalid('You can’t specify both a binary secret value and a string secret value.');
  const sizeBytes = Buffer.byteLength(string ?? '') + Buffer.from(binary ?? '', 'base64').length;
  if (sizeBytes > MAX_VALUE_BYTES || (sizeBytes === 0 && (string ?? binary) !== null)) throw tooLong('SecretString');
  return { id, string, binary, stages, createdAt: call.nowSeconds };
};

const isSame = (a: SecretVersion, b: SecretVersion): boolean => a.string === b.string && a.binary === b.binary;

const createSecret: SecretsOperation = (call) => {
  const name = text(call, 'Name') ?? '';
  if (!NAME.test(name)) {
    throw invalid(
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
  const version = versionIn(call, ['AWSCURRENT']);
  const existing = call.shelf.find(name);
  if (existing?.deletedAt) {
    const message = 'You can’t create this secret because a secret with this name is already scheduled for deletion.';
    throw refusal(400, 'InvalidRequestException', { message });
  }
  const earlier = existing?.versions.find(({ id }) => id === version.id);
  if (existing && earlier && isSame(earlier, version)) return written(existing, version);
  if (existing) {
    throw refusal(400, 'ResourceExistsException', {
      message: `The operation failed because the secret ${name} already exists.`,
    });
  }
  const secret: StoredSecret = {
    arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${randomBytes(3).toString('hex')}`,
    name,
    description: text(call, 'Description'),
    kmsKeyId: text(call, 'KmsKeyId'),
    createdAt: call.nowSeconds,
    changedAt: call.nowSeconds,
    deletedAt: null,
    versions: version.string === null && version.binary === null ? [] : [version],
  };
  call.shelf.put(secret);
  return written(secret, version);
};

const written = ({ arn, name }: StoredSecret, { id }: SecretVersion) => ({ ARN: arn, Name: name, VersionId: id });

const found = (call: SecretsCall): StoredSecret => {
  const secret = call.shelf.find(text(call, 'SecretId') ?? '');
  if (secret) return secret;
  throw refusal(400, 'ResourceNotFoundException', { message: 'Secrets Manager can’t find the specified secret.' });
};

const alive = (call: SecretsCall): StoredSecret => {
  const secret = found(call);
  if (secret.deletedAt === null) return secret;
  const message = 'You can’t perform this operation on the secret because it was marked for deletion.';
  throw refusal(400, 'InvalidRequestException', { message });
};

const getSecretValue: SecretsOperation = (call) => {
  const secret = alive(call);
  const [id, stage] = [text(call, 'VersionId'), text(call, 'VersionStage')];
  const version = secret.versions.find((each) =>
    id === null
      ? each.stages.includes(stage ?? 'AWSCURRENT')
      : each.id === id && (stage === null || each.stages.includes(stage)),
  );
  if (version === undefined) {
    const message = `Secrets Manager can’t find the specified secret value for ${id ?? `staging label: ${stage ?? 'AWSCURRENT'}`}`;
    throw refusal(400, 'ResourceNotFoundException', { message });
  }
  return {
    ...written(secret, version),
    ...(version.string === null ? { SecretBinary: version.binary } : { SecretString: version.string }),
    VersionStages: version.stages,
    CreatedDate: version.createdAt,
  };
};

const putSecretValue: SecretsOperation = (call) => {
  const secret = alive(call);
  const version = versionIn(call, ['AWSCURRENT']);
  if (version.string === null && version.binary === null)
    throw invalid('You must provide either SecretString or SecretBinary.');
  if (call.parameters['VersionStages'] !== undefined)
    throw refusal(501, 'NotImplemented', { message: 'VersionStages' });
  const earlier = secret.versions.find(({ id }) => id === version.id);
  if (earlier && isSame(earlier, version)) return { ...written(secret, earlier), VersionStages: earlier.stages };
  if (earlier) {
    throw refusal(400, 'ResourceExistsException', { message: 'You can’t use ClientRequestToken for another value.' });
  }
  const older = secret.versions
    .filter(({ stages }) => stages.includes('AWSCURRENT'))
    .map((each) => ({ ...each, stages: ['AWSPREVIOUS'] }));
  call.shelf.put({ ...secret, changedAt: call.nowSeconds, versions: [version, ...older] });
  return { ...written(secret, version), VersionStages: version.stages };
};

const deleteSecret: SecretsOperation = (call) => {
  const { ForceDeleteWithoutRecovery: isForced = false, RecoveryWindowInDays: days } = call.parameters;
  if (isForced === true && days !== undefined) {
    throw invalid('You can’t use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.');
  }
  const windowDays = Number(days ?? 30);
  if (!(windowDays >= 7 && windowDays <= 30))
    throw invalid('The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).');
  const secret = isForced === true ? found(call) : alive(call);
  if (isForced === true) call.shelf.remove(secret.name);
  else call.shelf.put({ ...secret, deletedAt: call.nowSeconds });
  const deletionSeconds = isForced === true ? call.nowSeconds : call.nowSeconds + windowDays * DAY_SECONDS;
  return { ARN: secret.arn, Name: secret.name, DeletionDate: deletionSeconds };
};

const restoreSecret: SecretsOperation = (call) => {
  const secret = found(call);
  call.shelf.put({ ...secret, deletedAt: null });
  return { ARN: secret.arn, Name: secret.name };
};

const describe = ({ arn, name, description, kmsKeyId, createdAt, changedAt, deletedAt, versions }: StoredSecret) => ({
  ARN: arn,
  Name: name,
  ...(description !== null && { Description: description }),
  ...(kmsKeyId !== null && { KmsKeyId: kmsKeyId }),
  ...(deletedAt !== null && { DeletedDate: deletedAt }),
  CreatedDate: createdAt,
  LastChangedDate: changedAt,
  stages: Object.fromEntries(versions.map(({ id, stages }) => [id, stages])),
});

const describeSecret: SecretsOperation = (call) => {
  const { stages, ...entry } = describe(found(call));
  return { ...entry, VersionIdsToStages: stages };
};

const listSecrets: SecretsOperation = (call) => {
  const { MaxResults: asked = PAGE, IncludePlannedDeletion: withDeleted = false } = call.parameters;
  const token = text(call, 'NextToken');
  const limit = Number(asked);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= PAGE)) throw tooLong('MaxResults');
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString('utf8'));
  if (!Number.isInteger(start))
    throw refusal(400, 'InvalidNextTokenException', { message: 'The NextToken value is invalid.' });
  const matching = call.shelf
    .all()
    .filter(
      (secret) => (withDeleted === true || secret.deletedAt === null) && fits(secret, call.parameters['Filters']),
    );
  const SecretList = matching.slice(start, start + limit).map((secret) => {
    const { stages, ...entry } = describe(secret);
    return { ...entry, SecretVersionsToStages: stages };
  });
  const next = start + limit;
  return { SecretList, ...(next < matching.length && { NextToken: Buffer.from(String(next)).toString('base64url') }) };
};

/** Only the filter by name is served: a prefix, with case; any of several values. */
const fits = ({ name }: StoredSecret, filters: unknown): boolean =>
  ((filters ?? []) as { Key?: string; Values?: string[] }[]).every(({ Key, Values = [] }) => {
    if (Key !== 'name') throw refusal(501, 'NotImplemented', { message: `filter ${Key}` });
    if (Values.some((value) => value.startsWith('!')))
      throw refusal(501, 'NotImplemented', { message: 'negated filter' });
    return Values.some((value) => name.startsWith(value));
  });

export const secretsServes: Served[] = [
  {
    operation: 'CreateSecret',
    extent: 'part',
    note: 'no replicas, no tags, KMS key kept but unused',
    perform: createSecret,
  },
  { operation: 'GetSecretValue', extent: 'full', note: '', perform: getSecretValue },
  { operation: 'PutSecretValue', extent: 'part', note: 'no VersionStages', perform: putSecretValue },
  {
    operation: 'DeleteSecret',
    extent: 'part',
    note: 'scheduled ones are never removed by time',
    perform: deleteSecret,
  },
  { operation: 'RestoreSecret', extent: 'full', note: '', perform: restoreSecret },
  { operation: 'DescribeSecret', extent: 'part', note: 'no tags, no rotation', perform: describeSecret },
  { operation: 'ListSecrets', extent: 'part', note: 'filter by name only; in order of name', perform: listSecrets },
  { operation: 'UpdateSecret', extent: 'none', note: 'the product never updates a secret' },
  { operation: 'RotateSecret', extent: 'none', note: '' },
];
