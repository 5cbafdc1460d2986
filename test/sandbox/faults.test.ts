import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultBoard, faultBoard } from '../../sandbox/fault-board.ts';
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
    slack: await slackStatus(),
    secrets,
  };
};

const slackStatus = async (): Promise<number> =>
  (await fetch(`${place.slack.apiUrl}auth.test`, { method: 'POST' })).status;

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

test.each([
  ['slack-down', 503],
  ['slack-busy', 429],
])('%s is what octo hears of Slack, every time', async (name, status) => {
  const mend = await playFaults(place, [name]);
  expect([await slackStatus(), await slackStatus()]).toEqual([status, status]);
  await mend();
});

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

describe('the board of switches', () => {
  const isOn = (board: FaultBoard): string[] =>
    board
      .switches()
      .filter((one) => one.isOn)
      .map(({ name }) => name);

  test('has every fault, turns it on with its own value or another, and off as it was', async () => {
    const before = await whole();
    const board = faultBoard(place);
    expect(board.switches().map(({ name }) => name)).toEqual(Object.keys(faults));
    await board.turn('octopus-answers', { isOn: true });
    expect(place.octopus.faults.status).toBe(503);
    await board.turn('octopus-answers', { isOn: true, value: 401 });
    expect(place.octopus.faults.status).toBe(401);
    expect(board.switches().find(({ name }) => name === 'octopus-answers')).toMatchObject({ value: 401, isOn: true });
    await board.turn('octopus-answers', { isOn: false });
    expect([isOn(board), await whole()]).toEqual([[], before]);
  });

  test('ends one of folders where the next begins, and leaves other areas alone', async () => {
    const before = await whole();
    const board = faultBoard(place);
    const turns = ['sql-disk-full', 'package-lost', 'folder-emptied', 'folder-missing'];
    // As a hurried person does it: without waiting for the one before.
    await Promise.all(turns.map((name) => board.turn(name, { isOn: true })));
    expect(isOn(board)).toEqual(['sql-disk-full', 'folder-missing']);
    expect(board.switches().find(({ name }) => name === 'folder-missing')).toMatchObject({ value: null });
    await board.mend();
    expect([isOn(board), await whole()]).toEqual([[], before]);
  });

  test('plays what passes without leaving it on, tells every change, and goes on after one that cannot be played', async () => {
    const board = faultBoard({ ...place, s3: null });
    let told = 0;
    const stop = board.onChange(() => (told += 1));
    await board.turn('deployment-queued', { isOn: true, value: 3600 });
    await expect(board.turn('store-full', { isOn: true })).rejects.toThrow('not in S3');
    await expect(board.turn('toString', { isOn: true })).rejects.toThrow('no fault');
    stop();
    expect([isOn(board), told]).toEqual([[], 3]);
    const why = board.switches().filter((one) => one.why !== null);
    expect(why.map(({ area }) => area)).toEqual(Array.from({ length: 5 }, () => 'Store'));
  });
});
