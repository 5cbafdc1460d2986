/** What may not be deleted, what deleting would free, who has to approve it, and which archives retention keeps. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { holdForReading } from '../../lib/repository/store-care/reader-holds.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { archiveAged, commandsWorld } from './commands-world.ts';

/** A world in which runs can be asked for; what is started is listed. */
const deletingWorld = () => {
  const made = commandsWorld();
  const started: unknown[] = [];
  Object.assign(made.world, {
    policy: { people: ['ana', 'ben'], groups: {}, statements: [] },
    workflows: { start: async (request: unknown) => void started.push(request), describe: async () => null },
  } as unknown as Partial<World>);
  return { ...made, started };
};

describe('deleting', () => {
  it('is refused for what is held, read or among the newest good ones', async () => {
    const { seal, type, world, started } = deletingWorld();
    for (const hours of [10, 30, 50, 70, 90]) await seal(hours);
    await type(`backup hold ${archiveAged(70)}`);
    await holdForReading(world, { instance: 'prod', archiveId: archiveAged(90) }, { runId: 'run_R', hours: 1 });
    for (const plan of ['', ' --plan']) {
      await expect(type(`backup delete ${archiveAged(70)}${plan}`)).rejects.toMatchObject({ code: 'ArchiveHeld' });
      await expect(type(`backup delete ${archiveAged(90)}${plan}`)).rejects.toMatchObject({ code: 'ArchiveInUse' });
      for (const hours of [10, 30, 50])
        await expect(type(`backup delete ${archiveAged(hours)}${plan}`)).rejects.toMatchObject({
          code: 'ArchiveNeeded',
        });
    }
    await expect(type('backup delete latest')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
    await expect(type(`backup delete ${archiveAged(99)}`)).rejects.toMatchObject({ code: 'ArchiveUnknown' });
    expect(started).toEqual([]);
  });

  it('starts a run that waits for somebody else, and deletes nothing itself', async () => {
    const { seal, type, world, started } = deletingWorld();
    for (const hours of [10, 30, 50, 70]) await seal(hours);
    const archiveId = archiveAged(70);
    const reply = await type(`backup delete ${archiveId} reason:"taken by mistake"`);
    expect(reply.lines[0]).toContain('waits for approval');
    expect(await readRun(world, reply.runId!)).toMatchObject({
      workflow: 'delete',
      options: { archive: archiveId },
      reason: 'taken by mistake',
      archiveId: null,
      approval: { count: 1, mayApproveSelf: false },
    });
    expect(started).toMatchObject([{ workflow: 'delete', input: { archive: archiveId, instance: 'prod' } }]);
    expect(await world.archives.head(archiveKeys.manifest('prod', archiveId))).not.toBeNull();
  });

  it('with --plan names what no other archive needs', async () => {
    const { seal, type, world, started } = deletingWorld();
    const indexOf = async (name: string): Promise<Manifest['folders']> => {
      const indexKey = `prod/indexes/${name}.zst`;
      await world.archives.create(indexKey, Buffer.from('no index that could be read'));
      return { ...manifestOf({ archiveId: '', word: 'good' }).folders, indexKey };
    };
    const shared = await indexOf('shared');
    const [old, newer] = [await indexOf('old'), await indexOf('newer')];
    const database = { ...manifestOf({ archiveId: '', word: 'good' }).database, indexKey: shared.indexKey };
    const { archiveId } = await seal(50, { folders: old, database });
    for (const hours of [30, 20, 10]) await seal(hours, { folders: newer, database });

    const plan = await type(`backup delete ${archiveId} --plan`);
    expect(plan.json).toMatchObject({ archive: archiveId, own: { objects: 1 }, data: { objects: 1, bytes: 27 } });
    expect(plan.lines.join('\n')).toContain(`would be kept: ${newer.indexKey}`);
    expect(plan.lines.join('\n')).toMatch(/taken \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    expect(started).toEqual([]);
  });
});

describe('retention', () => {
  it('lists each archive with the rules that keep it, and what goes', async () => {
    const { seal, type, world } = deletingWorld();
    expect((await type('backup retention')).headline).toBe('prod has no archive yet.');
    const DAY = 24;
    for (const hours of [1, 5, DAY + 1, 2 * DAY + 1, 3 * DAY + 1])
      await seal(hours, { takenAt: new Date(world.clock.now().getTime() - hours * 3_600_000).toISOString() });
    await type('backup settings keep-last:1 keep-daily:2 keep-weekly:0 keep-monthly:0 floor:1');
    await type(`backup hold ${archiveAged(3 * DAY + 1)}`);
    const reply = await type('backup retention prod --plan');
    expect(reply.headline).toBe(
      '2 archives of prod would stay, 3 archives would go with the next good backup; nothing was changed.',
    );
    // The next one is today's; so yesterday's is the second day.
    expect(reply.lines.slice(0, 5).map((line) => line.split(' UTC ')[1]?.trim())).toEqual([
      'goes: no rule keeps it',
      'goes: no rule keeps it',
      'stays: newest of its day',
      'goes: no rule keeps it',
      'stays: held',
    ]);
    expect(reply.lines).toContain(
      'Kept: floor 1, last 1, daily 2, weekly 0, monthly 0, yearly 0; days are those of UTC.',
    );
    const plan = await type('backup now --plan');
    expect(plan.lines.join('\n')).toContain('3 older archives deleted by retention');
    expect(await Array.fromAsync(world.archives.list('prod/archives/'))).toHaveLength(5);
  });
});
