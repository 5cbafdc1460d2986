/**
 * A drill, whole: asked for in the channel, done on the SQL Server for drills, told with its evidence; killed in every state it
 * goes on; and whatever happens, nothing of it stays and nobody at the Octopus server notices.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunView } from '../../lib/domain/runs/run.ts';
import { SCRATCH_PREFIX } from '../../lib/domain/names.ts';
import { listDrills } from '../../lib/repository/outcomes/drill-records.ts';
import { plannedStates } from '../../lib/workflows/index.ts';
import { filesOf, rowsOf } from '../steps/restore-steps.ts';
import { eventually, type Installation, install } from './installation.ts';

let place: Installation;
let before: Awaited<ReturnType<typeof content>>;

beforeAll(async () => {
  place = await install();
  const { run } = await place.ended(await place.ask('ana', '/octo backup now prod'));
  if (run.outcome?.word !== 'good') throw new Error(`the backup is ${run.outcome?.word}`);
  before = await content();
}, 120_000);
afterAll(() => place.remove());

const content = async () => ({
  files: await filesOf(place.seeded.home),
  rows: await rowsOf(readFileSync(join(place.directory, 'keys', 'connection-string'), 'utf8')),
});

const leftovers = async (): Promise<string[]> => {
  const servers = [await place.world.sqlServer('prod'), await place.world.drillPlace!.own!.sqlServer()];
  const databases = await Promise.all(servers.map((server) => server.databases(SCRATCH_PREFIX)));
  return [
    ...databases.flat().map(({ name }) => name),
    ...readdirSync(join(place.directory, 'drill-share')),
    ...readdirSync(join(place.directory, 'share')),
    ...readdirSync(place.world.drillPlace!.folder),
  ];
};

describe('a drill', () => {
  it('proves the newest archive beside everything, and says so in the channel', async () => {
    const runId = await place.ask('ana', '/octo drill now');
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    const [drill] = await listDrills(place.world, 'prod', { limit: 2 });
    expect(drill).toMatchObject({
      runId,
      place: 'own',
      word: 'good',
      proven: { keyProof: { opened: 12, sampled: 12 } },
    });
    expect(await place.lastWord(runId)).toContain('Drill good');
    const report = await eventually('the report', async () => {
      const { messages } = place.slack.api;
      return messages().find(({ files, threadTs }) => files.length > 0 && threadTs !== null) ?? null;
    });
    expect(report.text).toMatch(new RegExp(`^Report of the drill ${runId}: .* it can be restored$`));
    expect(await leftovers()).toEqual([]);
    expect(await content()).toEqual(before);
    expect(await place.closedDoors()).toEqual([]);
  }, 120_000);

  it('raises the proof of the archive, and says how long a restore takes', async () => {
    const [drill] = await listDrills(place.world, 'prod', { limit: 1 });
    const said = async (command: string) => {
      const before = place.slack.api.messages().length;
      await place.slack.api.type('ana', command);
      return eventually(command, async () => place.slack.api.messages()[before] ?? null);
    };
    expect(JSON.stringify(await said('/octo backup show latest'))).toContain(`on the restored copy`);
    expect(JSON.stringify(await said('/octo status'))).toContain('(last drill), target 4 h');
    expect(Object.keys(drill!.seconds).length).toBe(3);
  }, 60_000);

  it('goes on after kill -9 in each of its states, ends good, and leaves nothing', async () => {
    const runId = await place.ask('ana', '/octo drill now prod oldest');
    const killedIn: string[] = [];
    for (const state of plannedStates('drill', {})) {
      const noteOf = ({ steps }: RunView) => steps.find((note) => note.state === state);
      const view = await place.until(runId, (seen) => seen.run.status === 'ended' || noteOf(seen) !== undefined);
      if (view.run.status === 'ended') break;
      await place.kill();
      if (noteOf(view)?.status === 'running') killedIn.push(state);
      await place.start();
    }
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    expect(killedIn.length).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  }, 180_000);
});
