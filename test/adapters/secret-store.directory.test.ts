import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directorySecretStore } from '../../lib/adapters/secret-store.directory.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { secretStoreContract } from '../contracts/secret-store.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-secrets-'));
  await writeFile(keyFile(), randomBytes(32), { mode: 0o600 });
});
afterEach(() => rm(directory, { recursive: true }));

const keyFile = () => join(directory, 'octo.key');
const store = () => directorySecretStore({ directory: join(directory, 'secrets'), keyFile: keyFile() });
const byPassphrase = (passphrase: string) =>
  directorySecretStore({ directory: join(directory, 'secrets'), passphrase: new Secret(passphrase) });

secretStoreContract('directory', async () => store());

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const secretFile = (name: string) => join(directory, 'secrets', 'secrets', name);

describe('the directory', () => {
  test('holds no value in clear, and is for one account only', async () => {
    await store().create('prod/key', new Secret('plain to see'));
    const files = await filesBelow(directory);
    const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')));
    expect(contents.join('')).not.toContain('plain to see');
    expect(contents.join('')).not.toContain(Buffer.from('plain to see').toString('base64'));
    if (process.platform === 'win32') return;
    const modes = await Promise.all([secretFile('prod/key'), secretFile('prod')].map((path) => stat(path)));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o700]);
  });

  test('the same value is never stored as the same bytes', async () => {
    await store().create('a', new Secret('same'));
    await store().create('b', new Secret('same'));
    expect(await readFile(secretFile('a'), 'utf8')).not.toBe(await readFile(secretFile('b'), 'utf8'));
  });

  test('opens with its passphrase, however it was typed, and with no other', async () => {
    await byPassphrase('correct hörse').create('prod/key', new Secret('x'));
    expect((await byPassphrase('correct hörse'.normalize('NFD')).read('prod/key'))?.reveal()).toBe('x');
    const stranger = byPassphrase('wrong');
    await expect(stranger.read('prod/key')).rejects.toMatchObject({ code: 'SecretStoreLocked' });
    await expect(stranger.create('prod/other', new Secret('y'))).rejects.toMatchObject({ code: 'SecretStoreLocked' });
    expect(await store().list('')).toEqual(['prod/key']);
  });

  test('a secret under another name does not open', async () => {
    await store().create('old', new Secret('old value'));
    await store().create('new', new Secret('new value'));
    await writeFile(secretFile('new'), await readFile(secretFile('old')));
    await expect(store().read('new')).rejects.toMatchObject({ code: 'SecretDamaged' });
  });

  test.each([
    ['emptied', () => ''],
    ['cut', (text: string) => text.slice(0, 40)],
    [
      'changed',
      (text: string) =>
        text.replace(/"cipherText": "(.)/, (_all, first) => `"cipherText": "${first === 'A' ? 'B' : 'A'}`),
    ],
    ['with a short tag', (text: string) => text.replace(/"tag": "[^"]*"/, '"tag": "AAAA"')],
  ])('a file that was %s is damaged, not absent', async (_how, damage) => {
    await store().create('prod/key', new Secret('some value'));
    await writeFile(secretFile('prod/key'), damage(await readFile(secretFile('prod/key'), 'utf8')));
    await expect(store().read('prod/key')).rejects.toMatchObject({ code: 'SecretDamaged' });
  });

  test('a lost header is never replaced while secrets depend on it', async () => {
    await store().create('prod/key', new Secret('x'));
    await rm(join(directory, 'secrets', 'header.json'));
    await expect(store().read('prod/key')).rejects.toMatchObject({ code: 'SecretDamaged' });
    await expect(store().create('prod/other', new Secret('y'))).rejects.toMatchObject({ code: 'SecretDamaged' });
  });
});

describe('a key file', () => {
  test('opens what was made with it, and nothing else does', async () => {
    await store().create('prod/key', new Secret('x'));
    expect((await store().read('prod/key'))?.reveal()).toBe('x');
    await writeFile(keyFile(), randomBytes(32));
    await expect(store().read('prod/key')).rejects.toMatchObject({ code: 'SecretStoreLocked' });
  });

  test('is refused when it is absent or short', async () => {
    await writeFile(keyFile(), randomBytes(31));
    await expect(store().create('k', new Secret('x'))).rejects.toMatchObject({ code: 'KeyFileRefused' });
    await rm(keyFile());
    await expect(store().create('k', new Secret('x'))).rejects.toMatchObject({ code: 'KeyFileRefused' });
  });

  test.skipIf(process.platform === 'win32')('is refused when others can read it', async () => {
    await chmod(keyFile(), 0o640);
    await expect(store().create('k', new Secret('x'))).rejects.toMatchObject({ code: 'KeyFileRefused' });
    await chmod(keyFile(), 0o600);
    expect(await store().create('k', new Secret('x'))).toBe('created');
  });
});
