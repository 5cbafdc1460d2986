import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serves, startSecretsManager } from '../../sandbox/aws/secrets-manager.ts';
import type { SecretsManagerStandIn } from '../../sandbox/aws/secrets-manager.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';

let directory: string;
let standIn: SecretsManagerStandIn;
let client: sdk.SecretsManagerClient;
let Name: string;

const clientWith = (secretAccessKey: string, accessKeyId = SANDBOX_CREDENTIALS.accessKeyId) =>
  new sdk.SecretsManagerClient({
    endpoint: standIn.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-sandbox-secrets-'));
  standIn = await startSecretsManager({ directory });
  client = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
});
afterAll(async () => {
  await standIn.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  Name = `test/${randomUUID()}`;
});

const create = (more: Partial<sdk.CreateSecretCommandInput> = {}) =>
  client.send(new sdk.CreateSecretCommand({ Name, SecretString: 'x', ...more }));
const value = (SecretId = Name, more: Partial<sdk.GetSecretValueCommandInput> = {}) =>
  client.send(new sdk.GetSecretValueCommand({ SecretId, ...more }));
const failure = async (call: Promise<unknown>): Promise<string | null> =>
  call.then(() => null).catch((error: unknown) => (error as Error).name);

describe('signatures', () => {
  test('another secret, another account, or none is refused', async () => {
    const list = new sdk.ListSecretsCommand();
    expect(await failure(clientWith('wrong').send(list))).toBe('InvalidSignatureException');
    const stranger = clientWith(SANDBOX_CREDENTIALS.secretAccessKey, 'AKIAELSE');
    expect(await failure(stranger.send(list))).toBe('UnrecognizedClientException');
    const anonymous = await fetch(standIn.url, { method: 'POST', body: '{}' });
    expect(anonymous.status).toBe(400);
    expect(await anonymous.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });
});

describe('secrets', () => {
  test('are found by name and by ARN, whole or without its end', async () => {
    const { ARN = '' } = await create();
    expect((await value()).SecretString).toBe('x');
    expect((await value(ARN)).SecretString).toBe('x');
    expect((await value(ARN.slice(0, -7))).SecretString).toBe('x');
    expect(await failure(value('test/none'))).toBe('ResourceNotFoundException');
  });

  test('a repeated token is the same request, another value under it is not', async () => {
    const ClientRequestToken = randomUUID();
    const first = await create({ ClientRequestToken });
    expect(await create({ ClientRequestToken })).toMatchObject({ ARN: first.ARN, VersionId: ClientRequestToken });
    expect(await failure(create({ ClientRequestToken, SecretString: 'y' }))).toBe('ResourceExistsException');
    expect(await failure(create())).toBe('ResourceExistsException');
    const put = (SecretString: string) =>
      client.send(new sdk.PutSecretValueCommand({ SecretId: Name, SecretString, ClientRequestToken }));
    expect(await put('x')).toMatchObject({ VersionId: ClientRequestToken });
    expect(await failure(put('y'))).toBe('ResourceExistsException');
  });

  test('names and sizes have the original’s limits', async () => {
    for (const bad of ['', 'with space', 'ü', 'x'.repeat(513)]) {
      expect(await failure(create({ Name: bad }))).toBe('InvalidParameterException');
    }
    expect(await failure(create({ SecretString: 'x'.repeat(65_537) }))).toBe('ValidationException');
    expect(await failure(create({ SecretString: '' }))).toBe('ValidationException');
    expect(await failure(create({ SecretBinary: Buffer.from('x') }))).toBe('InvalidParameterException');
    expect(await failure(create({ ClientRequestToken: 'short' }))).toBe('ValidationException');
    expect(await failure(create({ SecretString: 'x'.repeat(65_536) }))).toBeNull();
  });

  test('a new value becomes current, the one before previous', async () => {
    await create();
    await client.send(new sdk.PutSecretValueCommand({ SecretId: Name, SecretString: 'y' }));
    expect((await value()).SecretString).toBe('y');
    expect((await value(Name, { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('x');
    expect(await failure(value(Name, { VersionStage: 'OTHER' }))).toBe('ResourceNotFoundException');
  });

  test('one marked for deletion keeps its name, is not read, and can be restored', async () => {
    await create();
    await client.send(new sdk.DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 7 }));
    expect(await failure(value())).toBe('InvalidRequestException');
    expect(await failure(create())).toBe('InvalidRequestException');
    const { DeletedDate } = await client.send(new sdk.DescribeSecretCommand({ SecretId: Name }));
    expect(DeletedDate).toBeInstanceOf(Date);
    await client.send(new sdk.RestoreSecretCommand({ SecretId: Name }));
    expect((await value()).SecretString).toBe('x');
    await client.send(new sdk.DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
    expect(await failure(value())).toBe('ResourceNotFoundException');
    expect(await failure(client.send(new sdk.DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 6 })))).toBe(
      'InvalidParameterException',
    );
  });

  test('lists in pages, by prefix and with case, deleted ones on request', async () => {
    for (const end of ['a', 'b', 'c']) await create({ Name: `${Name}/${end}` });
    await client.send(new sdk.DeleteSecretCommand({ SecretId: `${Name}/b` }));
    const query = { Filters: [{ Key: 'name' as const, Values: [`${Name}/`] }] };
    const names: (string | undefined)[] = [];
    for await (const page of sdk.paginateListSecrets({ client, pageSize: 1 }, { ...query })) {
      names.push(...(page.SecretList ?? []).map((secret) => secret.Name));
    }
    expect(names).toEqual([`${Name}/a`, `${Name}/c`]);
    const all = await client.send(new sdk.ListSecretsCommand({ ...query, IncludePlannedDeletion: true }));
    expect(all.SecretList).toHaveLength(3);
    const upper = { Filters: [{ Key: 'name' as const, Values: [Name.toUpperCase()] }] };
    expect((await client.send(new sdk.ListSecretsCommand(upper))).SecretList).toEqual([]);
  });
});

describe('the table of operations', () => {
  const SecretId = 'test/table';
  const commands: Record<string, () => Promise<unknown>> = {
    CreateSecret: () => client.send(new sdk.CreateSecretCommand({ Name: SecretId })),
    GetSecretValue: () => client.send(new sdk.GetSecretValueCommand({ SecretId })),
    PutSecretValue: () => client.send(new sdk.PutSecretValueCommand({ SecretId, SecretString: 'x' })),
    DeleteSecret: () => client.send(new sdk.DeleteSecretCommand({ SecretId })),
    RestoreSecret: () => client.send(new sdk.RestoreSecretCommand({ SecretId })),
    DescribeSecret: () => client.send(new sdk.DescribeSecretCommand({ SecretId })),
    ListSecrets: () => client.send(new sdk.ListSecretsCommand()),
    UpdateSecret: () => client.send(new sdk.UpdateSecretCommand({ SecretId, SecretString: 'x' })),
    RotateSecret: () => client.send(new sdk.RotateSecretCommand({ SecretId })),
  };

  test('names what a client can send', () => {
    expect(serves.map(({ operation }) => operation).sort()).toEqual(Object.keys(commands).sort());
  });

  test.each(serves)('$operation is served: $extent', async ({ operation, extent }) => {
    const error = await failure(commands[operation]!());
    const allowed = [null, 'ResourceNotFoundException', 'InvalidRequestException'];
    expect(extent === 'none' ? ['UnknownOperationException'] : allowed).toContain(error);
  });
});
