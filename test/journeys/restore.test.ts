/**
 * A restore, whole: asked for in the channel, approved by another person, and the server is as its archive; killed in the
 * middle, it goes on; onto a server that was just installed, it becomes the one that the archive is of.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunView } from '../../lib/domain/runs/run.ts';
import { listRuns } from '../../lib/repository/run-book.ts';
import { plannedStates } from '../../lib/workflows/index.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import { setProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { filesOf, rowsOf } from '../steps/restore-steps.ts';
import { eventually, type Installation, install } from './installation.ts';

let place: Installation;
let connectionString: string;
let archived: Awaited<ReturnType<typeof content>>;

beforeAll(async () => {
  place = await install({ hasSpare: true });
  connectionString = readFileSync(join(place.directory, 'keys', 'connection-string'), 'utf8');
  await place.ended(await place.ask('ana', '/octo backup now prod'));
  archived = await content();
}, 120_000);
afterAll(() => place.remove());

const content = async () => ({ files: await filesOf(place.seeded.home), rows: await rowsOf(connectionString) });

/** People go on: files and rows go, change and come. */
const goOnWorking = async (): Promise<void> => {
  const packages = join(place.seeded.home, 'Packages');
  const first = readdirSync(packages, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.nupkg'));
  rmSync(join(packages, first!));
  writeFileSync(join(place.seeded.home, 'Artifacts', 'late.txt'), 'late');
  const database = await openDatabase(connectionString);
  try {
    await database.execute(
      "UPDATE [Project] SET Name = 'Renamed by mistake' WHERE Id = (SELECT MIN(Id) FROM [Project])",
      {},
    );
    await database.execute('DELETE FROM [Artifact] WHERE Id = (SELECT MIN(Id) FROM [Artifact])', {});
  } finally {
    await database.close();
  }
};

const askFor = async (command: string): Promise<string> => {
  const earlier = new Set((await listRuns(place.world, { limit: 50 })).map(({ id }) => id));
  await place.slack.api.type('ana', command);
  const form = await eventually(
    'the form',
    async () => place.slack.api.forms('ana').find(({ body }) => JSON.stringify(body).includes('Ask for it')) ?? null,
  );
  expect(await place.slack.api.submit('ana', form.id, {})).toEqual({ errors: null, failure: null });
  return eventually(
    'the run',
    async () =>
      (await listRuns(place.world, { limit: 5 })).find(({ id, workflow }) => workflow === 'restore' && !earlier.has(id))
        ?.id ?? null,
  );
};

const approve = async (runId: string, instance: string): Promise<void> => {
  await place.until(runId, isWaiting);
  await place.slack.api.type('ben', `/octo approve ${runId} confirm:${instance}`);
};
const isWaiting = ({ run, approval }: RunView): boolean => approval?.opening != null || run.status === 'ended';

describe('a restore', () => {
  it('brings the server back as its archive has it, when somebody else has approved it', async () => {
    await goOnWorking();
    const runId = await askFor('/octo restore latest to prod reason:"INC-412"');
    await place.until(runId, isWaiting);
    await place.slack.api.type('ana', `/octo approve ${runId} confirm:prod`);
    expect((await place.until(runId, isWaiting)).approval?.decision).toBeNull();
    await approve(runId, 'prod');
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    const after = await content();
    expect(after).toMatchObject(archived);
    expect(Object.keys(after.files).filter((path) => !(path in archived.files) && !path.includes('TaskLogs'))).toEqual(
      [],
    );
    expect(await place.closedDoors()).toEqual([]);
    expect(await place.lastWord(runId)).toContain('Restore good');
  }, 300_000);

  it('goes on after kill -9 in each of its states, and ends good', async () => {
    await goOnWorking();
    const runId = await askFor('/octo restore latest to prod');
    await approve(runId, 'prod');
    const killedIn: string[] = [];
    const states = plannedStates('restore', { only: 'all', approval: true });
    for (const state of states.slice(states.indexOf('PlanRestoreAgain'))) {
      const noteOf = ({ steps }: RunView) => steps.find((note) => note.state === state);
      const view = await place.until(runId, (seen) => seen.run.status === 'ended' || noteOf(seen) !== undefined);
      if (view.run.status === 'ended') break;
      await place.kill();
      if (noteOf(view)?.status === 'running') killedIn.push(state);
      await place.start();
    }
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    expect(killedIn.length).toBeGreaterThan(15);
    expect(await content()).toMatchObject(archived);
    expect(await place.closedDoors()).toEqual([]);
  }, 300_000);

  it('is begun once when two are let through at the same moment; the other one changes nothing and names it', async () => {
    await goOnWorking();
    const ids = [
      await askFor('/octo restore latest to prod'),
      await askFor('/octo restore latest to prod only:folders'),
    ];
    for (const id of ids) await place.until(id, isWaiting);
    await Promise.all(ids.map((id) => place.slack.api.type('ben', `/octo approve ${id} confirm:prod`)));
    const ended = await Promise.all(ids.map(async (id) => (await place.ended(id)).run));
    const good = ended.find(({ outcome }) => outcome?.word === 'good');
    const refused = ended.find(({ outcome }) => outcome?.word === 'refused');
    expect(refused!.outcome?.error?.message).toContain(good!.id);
    const { files, rows } = await content();
    expect(files).toMatchObject(archived.files);
    expect(good!.options['only'] === 'all' ? rows : archived.rows).toEqual(archived.rows);
    expect(await place.closedDoors()).toEqual([]);
  }, 300_000);

  it('is taken back by the worker when even the way back failed, as soon as that can be', async () => {
    await goOnWorking();
    const present = await content();
    const runId = await askFor('/octo restore latest to prod');
    await approve(runId, 'prod');
    await place.until(runId, ({ steps }) => steps.some(({ state }) => state === 'SwapDatabase'));
    setProgramFaults(place.machine, { isDenied: true });
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({
      word: 'failed',
      safeNow: expect.stringContaining('its worker goes on putting it back') as string,
    });
    setProgramFaults(place.machine, {});
    await eventually('a server that is open again', async () =>
      (await place.closedDoors().catch(() => ['silence'])).length === 0 ? true : null,
    );
    expect(await content()).toEqual(present);
  }, 300_000);

  it('makes a server that was just installed the one that the archive is of: other key, other folders', async () => {
    const spare = place.spare!;
    const below = (files: Record<string, string>, home: string) =>
      Object.entries(files).map(([path, sha256]) => `${path.slice(home.length)} ${sha256}`);
    expect(await filesOf(spare.seeded.home)).toEqual({});
    const key = await place.world.octopusProgram('spare').showMasterKey();
    const runId = await askFor('/octo restore latest to spare from:prod');
    await approve(runId, 'spare');
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    expect(below(await filesOf(spare.seeded.home), spare.seeded.home)).toEqual(
      expect.arrayContaining(below(archived.files, place.seeded.home).filter((line) => !line.includes('TaskLogs'))),
    );
    const program = place.world.octopusProgram('spare');
    expect((await program.showMasterKey()).equals(key)).toBe(false);
    expect((await program.showMasterKey()).equals(await place.world.octopusProgram('prod').showMasterKey())).toBe(true);
    const api = await place.world.octopusApi('spare');
    for (const { path } of await api.serverFolders()) expect(path).toContain(spare.seeded.home);
    expect(await place.closedDoors()).toEqual([]);
  }, 300_000);
});
