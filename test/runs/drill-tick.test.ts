/** Drills by schedule: one run a slot of the archive that the settings choose; and the report, shown once. */
import { beforeEach, describe, expect, it } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { listRuns } from '../../lib/repository/run-book.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { drillTick } from '../../lib/runs/drills/drill-tick.ts';
import { tellOfDrill } from '../../lib/runs/drills/tell-drill.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { aDrill } from '../slack/drill-record.ts';
import { anOutcome, aView } from '../slack/view.ts';
import { scheduleWorld } from './schedule-world.ts';

const PROD = { instance: 'prod', channel: 'C0OPS' };
const OLD = 'arc_20260301T020000Z_7F3K9Q2M';
const NEW = 'arc_20260304T020000Z_7F3K9Q2M';

let found: ReturnType<typeof scheduleWorld>;
let world: ReturnType<typeof scheduleWorld>['world'];

beforeEach(async () => {
  found = scheduleWorld('2026-03-08T02:55:00Z');
  world = Object.assign(found.world, { drillPlace: { folder: '/none', own: null, bytesPerSecond: null } });
  await changeSettings(world, 'prod', (settings) => ({
    ...settings,
    drill: { cron: '0 3 * * sun', archive: 'oldest' },
  }));
  for (const archiveId of [OLD, NEW]) {
    const manifest = { ...manifestOf({ archiveId, word: 'good' }), takenAt: '2026-03-04T02:00:00Z' };
    await world.archives.create(archiveKeys.manifest('prod', archiveId), Buffer.from(JSON.stringify(manifest)));
  }
});

const MINUTES_5 = 300_000;

describe('the tick of drills', () => {
  it('starts one drill at a slot, of the archive that is chosen', async () => {
    expect(await drillTick(world, PROD)).toBeNull();
    await world.clock.advance(MINUTES_5);
    const both = await Promise.all([drillTick(world, PROD), drillTick(world, PROD)]);
    expect(new Set(both.filter((runId) => runId !== null)).size).toBe(1);
    await world.clock.advance(MINUTES_5);
    expect(await drillTick(world, PROD)).toBeNull();
    const runs = await listRuns(world, { instance: 'prod', limit: 5 });
    expect(runs).toMatchObject([
      {
        workflow: 'drill',
        options: { archive: OLD },
        archiveId: null,
        requestedBy: { door: 'schedule', channel: 'C0OPS' },
      },
    ]);
    expect(new Set(found.started).size).toBe(1);
  });

  it('makes up for a downtime by one drill', async () => {
    await drillTick(world, PROD);
    await world.clock.advance(16 * 86_400_000);
    expect(await drillTick(world, PROD)).not.toBeNull();
    expect(await drillTick(world, PROD)).toBeNull();
  });

  it('says once that there is no place for drills, and once that there is no archive', async () => {
    await drillTick(world, PROD);
    const { drillPlace } = world;
    delete world.drillPlace;
    await world.clock.advance(MINUTES_5);
    await expect(drillTick(world, PROD)).rejects.toMatchObject({ code: 'DrillPlaceMissing' });
    expect(await drillTick(world, PROD)).toBeNull();
    Object.assign(world, { drillPlace });
    for (const archiveId of [OLD, NEW]) await world.archives.delete(archiveKeys.manifest('prod', archiveId));
    await world.clock.advance(7 * 86_400_000);
    await expect(drillTick(world, PROD)).rejects.toMatchObject({ code: 'DrillWithoutArchive' });
  });
});

describe('the report of a drill', () => {
  const view = () =>
    aView({
      run: {
        workflow: 'drill',
        requestedBy: { door: 'slack', person: 'ana', channel: 'C0OPS' },
        status: 'ended',
        outcome: anOutcome({ drill: aDrill() }),
      },
    });
  const shown = () => found.said.filter(({ kind }) => kind === 'image');

  it('is shown once in the thread of the card, however often it is looked at', async () => {
    for (let n = 0; n < 3; n += 1) await tellOfDrill(world, view(), '1.0');
    expect(shown()).toEqual([
      expect.objectContaining({ channel: 'C0OPS', text: expect.stringContaining('Report of') }),
    ]);
    await tellOfDrill(world, aView({ run: { outcome: anOutcome() } }), '1.0');
    expect(shown().length).toBe(1);
  });

  it('that Slack refuses is tried again; one without an answer may be there, and is not', async () => {
    const { shareFile } = world.chat;
    const refusing = (code: 'ChatLimited' | 'ChatUnavailable') => () => Promise.reject(new OctoError(code, 'no'));
    world.chat.shareFile = refusing('ChatLimited');
    await expect(tellOfDrill(world, view(), '1.0')).rejects.toMatchObject({ code: 'ChatLimited' });
    world.chat.shareFile = refusing('ChatUnavailable');
    await expect(tellOfDrill(world, view(), '1.0')).rejects.toMatchObject({ code: 'ChatUnavailable' });
    world.chat.shareFile = shareFile;
    await tellOfDrill(world, view(), '1.0');
    expect(shown()).toEqual([]);
  });
});
