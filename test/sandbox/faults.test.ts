import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faults, faultsHelp, isFault, needsS3, playFaults } from '../../sandbox/faults.ts';
import { findInstance } from '../../sandbox/octopus/machine/machine.ts';
import { readProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import { type StandIns, startStandIns } from '../../sandbox/stand-ins.ts';
import { treeOf } from '../archive/trees.ts';

let directory: string;
let place: StandIns;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'octo-faults-'));
  const pace = { workEverySeconds: null };
  place = await startStandIns({ directory, seed: 'faults', sizeMegabytes: 1, port: 0, hasS3: true, pace });
});
afterAll(async () => {
  await place.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What a fault may change, as a value. */
const whole = async () => {
  const configuration = findInstance(place.machine, place.seeded.instanceName)!.configurationPath;
  const connectionString = readFileSync(join(directory, 'keys/connection-string'), 'utf8');
  const database = await openDatabase(connectionString);
  const secrets = await database.query('SELECT [Id], [JSON] FROM [Account]');
  await database.close();
  return {
    octopus: { ...place.octopus.faults },
    sqlServer: { ...place.sqlServer.faults },
    program: readProgramFaults(place.machine),
    packages: treeOf(join(place.seeded.home, 'Packages')),
    configuration: readFileSync(configuration, 'utf8'),
    secrets,
  };
};

/** What was rotated stays so: nothing is wrong with it. */
const lasting = new Set(['key-rotated']);

describe('every fault', () => {
  test.each(Object.keys(faults))('%s can be played, and is mended', async (name) => {
    const before = await whole();
    const mend = await playFaults(place, [name]);
    await mend();
    const after = await whole();
    expect(after).toEqual(lasting.has(name) ? { ...before, ...pick(after) } : before);
    expect(faultsHelp()).toContain(`  ${name}`);
  });
});

const pick = ({ configuration, secrets }: Awaited<ReturnType<typeof whole>>) => ({ configuration, secrets });

test('faults are mended last first', async () => {
  const before = await whole();
  const mend = await playFaults(place, [
    'package-lost',
    'folder-emptied',
    'octopus-answers=500',
    'octopus-answers=401',
  ]);
  expect(place.octopus.faults.status).toBe(401);
  await mend();
  expect(await whole()).toEqual(before);
});

test('a name that is none, or a value where none belongs, is no fault', () => {
  expect(isFault('sql-disk-full=30')).toBe(true);
  for (const text of ['nonsense', 'drain-ignored=1', 'sql-disk-full=most', 'toString'])
    expect(isFault(text)).toBe(false);
  expect(needsS3('store-slow=5')).toBe(true);
  expect(needsS3('sql-disk-full')).toBe(false);
});
