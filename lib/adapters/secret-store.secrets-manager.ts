/**
 * A secret store in AWS Secrets Manager. Secrets are only ever created: no call here updates or deletes one.
 *
 * The SDK gives each CreateSecret a request token and keeps it over its retries, so a repeated request whose answer was
 * lost is the same secret, not a second.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference
 */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  paginateListSecrets,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { OctoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { Secret } from '../domain/secrets/secret.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import { checkSecretName, checkSecretSize } from '../domain/secrets/secret-rules.ts';

const CONNECT_MS = 5_000;
const SILENCE_MS = 30_000;

export type SecretsManagerSecretStoreOptions = {
  /** Put before every name; ends in `/`. */
  prefix?: string;
  region?: string;
  endpoint?: string;
  /** The KMS key for new secrets; the account's own by default. */
  kmsKeyId?: string;
};

type Manager = { client: SecretsManagerClient; prefix: string; kmsKeyId: string | undefined };

/** A secret store in the account and region of the SDK's default chain. */
export const secretsManagerSecretStore = ({
  prefix = '',
  region,
  endpoint,
  kmsKeyId,
}: SecretsManagerSecretStoreOptions): SecretStore => {
  const client = new SecretsManagerClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    retryMode: 'adaptive',
    maxAttempts: 5,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
  });
  const manager = { client, prefix, kmsKeyId };
  return {
    create: (name, value) => createSecret(manager, name, value),
    read: (name) => readSecret(manager, name),
    list: (prefix) => listSecrets(manager, prefix),
  };
};

const createSecret = async (manager: Manager, name: string, value: Secret): Promise<'created' | 'exists'> => {
  const secretId = idOf(manager, name);
  checkSecretSize(name, value);
  const command = new CreateSecretCommand({
    Name: secretId,
    SecretString: value.reveal(),
    ...(manager.kmsKeyId !== undefined && { KmsKeyId: manager.kmsKeyId }),
  });
  try {
    await manager.client.send(command);
    return 'created';
  } catch (error) {
    if (nameOf(error) === 'ResourceExistsException') return 'exists';
    throw await translate(error, manager, name);
  }
};

const readSecret = async (manager: Manager, name: string): Promise<Secret | null> => {
  try {
    const output = await manager.client.send(new GetSecretValueCommand({ SecretId: idOf(manager, name) }));
    if (output.SecretString !== undefined) return new Secret(output.SecretString);
  } catch (error) {
    if (nameOf(error) === 'ResourceNotFoundException') return null;
    throw await translate(error, manager, name);
  }
  throw new OctoError('SecretDamaged', `secret "${name}" holds bytes, not text`);
};

const listSecrets = async (manager: Manager, prefix: string): Promise<string[]> => {
  const start = manager.prefix + prefix;
  const query = start === '' ? {} : { Filters: [{ Key: 'name' as const, Values: [start] }] };
  const names: string[] = [];
  try {
    for await (const page of paginateListSecrets({ client: manager.client }, query)) {
      names.push(...(page.SecretList ?? []).map(({ Name = '' }) => Name));
    }
  } catch (error) {
    throw await translate(error, manager, prefix);
  }
  return names.map((name) => name.slice(manager.prefix.length)).sort();
};

const idOf = ({ prefix }: Manager, name: string): string => {
  checkSecretName(name);
  checkSecretName(prefix + name);
  return prefix + name;
};

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

const CODES: Partial<Record<string, ErrorCode>> = {
  AccessDeniedException: 'SecretStoreDenied',
  UnrecognizedClientException: 'SecretStoreDenied',
  InvalidSignatureException: 'SecretStoreDenied',
  ExpiredTokenException: 'SecretStoreDenied',
  CredentialsProviderError: 'SecretStoreDenied',
  EncryptionFailure: 'SecretStoreDenied',
  DecryptionFailure: 'SecretStoreDenied',
  InvalidParameterException: 'SecretRefused',
  ValidationException: 'SecretRefused',
};

const translate = async (error: unknown, manager: Manager, name: string): Promise<unknown> => {
  if (!(error instanceof Error) || error instanceof OctoError) return error;
  const facts = { name: error.name, secret: name };
  if (error.name === 'InvalidRequestException' && (await isMarkedForDeletion(manager, name))) {
    return new OctoError('SecretMarkedForDeletion', `secret "${name}" is going to be deleted`, { cause: error, facts });
  }
  const isForeign = !('$metadata' in error) && !('code' in error) && error.name !== 'TimeoutError';
  const code = CODES[error.name] ?? (isForeign ? undefined : 'SecretStoreUnavailable');
  return code ? new OctoError(code, `secret "${name}" was refused (${error.name})`, { cause: error, facts }) : error;
};

/** The service answers with one error for several reasons; the deletion date tells this one. */
const isMarkedForDeletion = async ({ client, prefix }: Manager, name: string): Promise<boolean> => {
  try {
    const { DeletedDate } = await client.send(new DescribeSecretCommand({ SecretId: prefix + name }));
    return DeletedDate !== undefined;
  } catch {
    return false;
  }
};
