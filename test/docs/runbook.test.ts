/** The recipes of docs/runbook.md, run as they stand there against what the program writes. */
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directorySecretStore } from '../../lib/adapters/secret-store.directory.ts';
import { fingerprintOf } from '../../lib/domain/archives/master-key.ts';
import { secretNames } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';

const NAME = secretNames.masterKey('prod', '0123456789abcdef');
const KEY = new Secret(randomBytes(32).toString('base64'));

let directory: string;
let runbook: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-runbook-'));
  runbook = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const script = /```js\n([\s\S]*?)```/.exec(runbook)?.[1];
  await writeFile(join(directory, 'open-secret.mjs'), script!);
});
afterAll(() => rm(directory, { recursive: true }));

const openSecret = async (given: string[], environment: NodeJS.ProcessEnv = {}): Promise<string> => {
  const options = { env: { ...process.env, ...environment } };
  return (await promisify(execFile)(process.execPath, [join(directory, 'open-secret.mjs'), ...given], options)).stdout;
};

describe('a secret of the encrypted directory, by hand', () => {
  test('opens with its key file, and with no other', async () => {
    const [keyFile, other] = [join(directory, 'key'), join(directory, 'other')];
    for (const path of [keyFile, other]) await writeFile(path, randomBytes(48), { mode: 0o600 });
    const store = join(directory, 'by-file');
    await directorySecretStore({ directory: store, keyFile }).create(NAME, KEY);
    expect(await openSecret([store, NAME, keyFile])).toBe(KEY.reveal());
    await expect(openSecret([store, NAME, other])).rejects.toThrow('unable to authenticate data');
  });

  test('opens with its passphrase, however it is typed', async () => {
    const store = join(directory, 'by-passphrase');
    await directorySecretStore({ directory: store, passphrase: new Secret('correct hörse'.normalize('NFC')) }).create(
      NAME,
      KEY,
    );
    expect(await openSecret([store, NAME], { OCTO_PASSPHRASE: 'correct hörse'.normalize('NFD') })).toBe(KEY.reveal());
    await expect(openSecret([store, NAME], { OCTO_PASSPHRASE: 'correct horse' })).rejects.toThrow(
      'unable to authenticate data',
    );
  });
});

test('the fingerprint of a key, by hand', () => {
  const salt = randomBytes(16).toString('hex');
  const recipe = /^printf %s "\$KEY".*$/m.exec(runbook)![0];
  const printed = execFileSync('sh', ['-c', recipe], { env: { ...process.env, KEY: KEY.reveal(), SALT: salt } });
  expect(printed.toString().trim()).toBe(fingerprintOf(KEY, salt));
});
