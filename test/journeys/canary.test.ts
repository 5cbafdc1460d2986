/**
 * Secrets never reach messages, logs, journals, run book or archives: every byte that was written is searched, and what is
 * compressed in the archive is searched as it comes back out of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractAll } from '../../lib/archive/extract.ts';
import { type Installation, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
  const runId = await place.ask('ana', '/octo backup now');
  const { run } = await place.until(runId, ({ run }) => run.auditHead !== undefined);
  const at = { instance: 'prod', archiveId: run.archiveId! };
  await extractAll(place.world, at, { target: join(place.directory, 'extracted') });
});
afterAll(() => place.remove());

/** Files that the product wrote; the administrator's key files and the stand-ins' own data are not its work. */
const written = (): { path: string; text: string }[] =>
  ['data', 'store', 'extracted', 'secrets', 'product.log', 'slack'].flatMap((name) =>
    filesUnder(join(place.directory, name)),
  );

const filesUnder = (path: string): { path: string; text: string }[] => {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => ({ path: file, text: readFileSync(file, 'latin1') }));
  } catch {
    return [{ path, text: readFileSync(path, 'latin1') }];
  }
};

const secrets = (): Record<string, string> => ({
  'master key': place.seeded.masterKey,
  'API key': place.seeded.apiKey,
  'SQL password': readFileSync(join(place.directory, 'keys/sql-password'), 'utf8'),
  'bot token': readFileSync(join(place.directory, 'keys/slack-bot-token'), 'utf8'),
  'signing secret': readFileSync(join(place.directory, 'keys/slack-signing-secret'), 'utf8'),
});

/** As most files hold it, and as SQL Server does. */
const formsOf = (secret: string): string[] => [secret, Buffer.from(secret, 'utf16le').toString('latin1')];

describe('secrets', () => {
  it('are found where they are put on purpose, so that this search can fail', () => {
    const keys = filesUnder(join(place.directory, 'keys'))
      .map(({ text }) => text)
      .join('\n');
    const { 'master key': masterKey, ...others } = secrets();
    for (const secret of Object.values(others)) expect(keys).toContain(secret);
    expect(masterKey).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  it('are in nothing that the product wrote', () => {
    const files = written();
    expect(files.length).toBeGreaterThan(30);
    expect(files.map(({ path }) => path)).toContain(join(place.directory, 'extracted/database.bak'));
    expect(files.filter(({ path }) => /\/audit\/\d{12}\.json$/.test(path)).length).toBeGreaterThan(2);
    const found = Object.entries(secrets()).flatMap(([name, secret]) =>
      files
        .filter(({ text }) => formsOf(secret).some((form) => text.includes(form)))
        .map(({ path }) => `${name} in ${path}`),
    );
    expect(found).toEqual([]);
  });
});
