/** `drill now`, and what other verbs say of drills: which archive is meant, where there is no place for it, what is proven by it. */
import { describe, expect, it } from 'vitest';
import { keepDrill } from '../../lib/repository/outcomes/drill-records.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { aDrill } from '../slack/drill-record.ts';
import { commandsWorld } from './commands-world.ts';

const withPlace = () => {
  const on = commandsWorld();
  const started: { runId: string; input: unknown }[] = [];
  Object.assign(on.world, {
    drillPlace: {
      folder: '/none',
      bytesPerSecond: null,
      own: { host: { name: 'drill-1', queueUrl: 'queue of drill-1' }, instances: ['prod'] },
    },
    workflows: {
      start: async (start: (typeof started)[number]) => void started.push(start),
      describe: async () => null,
    },
  });
  return { ...on, started };
};

describe('drill now', () => {
  it('starts a run on the host for drills, of the archive that is meant', async () => {
    const { world, seal, type, started } = withPlace();
    const oldest = await seal(50, { word: 'gaps' });
    const newestGood = await seal(20);
    const newest = await seal(2, { word: 'suspicious' });
    const meant = async (text: string): Promise<unknown> => {
      const { runId } = await type(text);
      return (await readRun(world, runId!))!.options['archive'];
    };
    expect(await meant('drill now')).toBe(newestGood.archiveId);
    expect(await meant('drill now oldest')).toBe(oldest.archiveId);
    expect(await meant(`drill now prod ${newest.archiveId}`)).toBe(newest.archiveId);
    expect(started[0]!.input).toMatchObject({
      archive: newestGood.archiveId,
      hosts: [{ name: 'drill-1', queueUrl: 'queue of drill-1' }],
      awaitSeconds: null,
    });
  });

  it('joins the drill of the same archive that is at work', async () => {
    const { seal, type, started } = withPlace();
    await seal(2);
    const first = await type('drill now');
    expect(await type('drill now prod newest', 'ben')).toMatchObject({
      runId: first.runId,
      headline: expect.stringContaining('ana already has this drill running'),
    });
    expect(started.length).toBe(1);
  });

  it('says what to configure where there is no place, and what is missing where there is no archive', async () => {
    const { type, seal } = commandsWorld();
    await seal(2);
    await expect(type('drill now')).rejects.toMatchObject({
      code: 'DrillPlaceMissing',
      advice: expect.stringContaining('drill.host'),
    });
    const { type: typed } = withPlace();
    await expect(typed('drill now random')).rejects.toMatchObject({ code: 'DrillWithoutArchive' });
    await expect(typed('drill now prod 2026-03-01')).rejects.toMatchObject({ code: 'ArchiveUnknown' });
    await expect(typed('drill now elsewhere newest')).rejects.toMatchObject({ code: 'InstanceUnknown' });
  });
});

describe('an archive that a drill brought back', () => {
  const recorded = (archiveId: string, change = {}) =>
    aDrill({ archive: { archiveId, takenAt: '2026-03-04T10:00:00Z', octopusVersion: '2024.4' }, ...change });

  it('is shown as proven on the restored copy; before, and after a failure, only on the source', async () => {
    const { world, seal, type } = commandsWorld();
    const { archiveId } = await seal(2);
    const proven = async () => (await type('backup show latest')).lines.find((line) => line.startsWith('proven'));
    expect(await proven()).toContain('on the source');
    await keepDrill(world, recorded(archiveId, { runId: 'run_00000001', word: 'failed' }));
    expect(await proven()).toContain('on the source');
    await keepDrill(world, recorded(archiveId));
    expect(await proven()).toMatch(/on the restored copy, 2026-03-06 03:27 UTC: key opens 12 of 12 \(run_7F3K9Q2M\)$/);
  });

  it('keeps its first record, whatever comes later', async () => {
    const { world, seal, type } = commandsWorld();
    const { archiveId } = await seal(2);
    await keepDrill(world, recorded(archiveId, { word: 'failed' }));
    await keepDrill(world, recorded(archiveId));
    expect((await type('backup show latest')).json).toMatchObject({ drills: [] });
  });
});
