import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteSecretCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { secretsManagerSecretStore } from '../../lib/adapters/secret-store.secrets-manager.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { startSecretsManager } from '../../sandbox/aws/secrets-manager.ts';
import type { SecretsManagerStandIn } from '../../sandbox/aws/secrets-manager.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { secretStoreContract } from '../contracts/secret-store.ts';

process.env['AWS_ACCESS_KEY_ID'] = SANDBOX_CREDENTIALS.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = SANDBOX_CREDENTIALS.secretAccessKey;

const region = 'us-east-1';
let directory: string;
let standIn: SecretsManagerStandIn;
let prefix: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-secrets-manager-'));
  standIn = await startSecretsManager({ directory });
});
afterAll(async () => {
  await standIn.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  prefix = `${randomUUID()}/`;
  standIn.setFaults({});
});

const store = () => secretsManagerSecretStore({ endpoint: standIn.url, region, prefix });
const client = () => new SecretsManagerClient({ endpoint: standIn.url, region });

secretStoreContract('secrets-manager', async () => store());

describe('bad days', () => {
  test('a secret marked for deletion is told apart from an absent one', async () => {
    await store().create('prod/key', new Secret('x'));
    await client().send(new DeleteSecretCommand({ SecretId: `${prefix}prod/key` }));
    await expect(store().read('prod/key')).rejects.toMatchObject({ code: 'SecretMarkedForDeletion' });
    await expect(store().create('prod/key', new Secret('y'))).rejects.toMatchObject({
      code: 'SecretMarkedForDeletion',
    });
    expect(await store().list('prod/')).toEqual([]);
  });

  test('a create whose answer is lost is the same secret, created once', async () => {
    standIn.setFaults({ loseAnswers: 1 });
    expect(await store().create('prod/key', new Secret('x'))).toBe('created');
    const { SecretList } = await client().send(
      new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [prefix] }] }),
    );
    expect(SecretList).toHaveLength(1);
  });

  test('a service that stumbles is asked again', async () => {
    standIn.setFaults({ unavailable: 2 });
    expect(await store().create('prod/key', new Secret('x'))).toBe('created');
    expect((await store().read('prod/key'))?.reveal()).toBe('x');
  });

  test('no rights are no rights, and nothing of the value is said', async () => {
    standIn.setFaults({ denied: true });
    const error = await store()
      .create('prod/key', new Secret('hush'))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SecretStoreDenied' });
    expect(JSON.stringify(error)).not.toContain('hush');
    await expect(store().read('prod/key')).rejects.toMatchObject({ code: 'SecretStoreDenied' });
    await expect(store().list('')).rejects.toMatchObject({ code: 'SecretStoreDenied' });
  });

  test('a service that is not there is unavailable', async () => {
    const nowhere = secretsManagerSecretStore({ endpoint: 'http://127.0.0.1:9', region });
    await expect(nowhere.read('prod/key')).rejects.toMatchObject({ code: 'SecretStoreUnavailable' });
  });
});
