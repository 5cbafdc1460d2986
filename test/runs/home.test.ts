/** App Home and status over a store with damage in it: the damaged is named, everything else is told as it is. */
import { describe, expect, it } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import { archiveKeys, stateKeys } from '../../lib/domain/names.ts';
import { createRun } from '../../lib/repository/run-book.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import { readHome } from '../../lib/runs/home.ts';
import { runRecord } from '../worker/world.ts';
import { plantArchive, scheduleWorld } from './schedule-world.ts';

const by = { door: 'slack' as const, person: 'ana', channel: 'C0OPS' };

/** A world with a good archive, a run that ended well and one at work; and the means to damage a record. */
const place = async () => {
  const { world } = scheduleWorld('2026-03-04T10:00:00.000Z');
  await readSettings(world, 'prod');
  const archive = await plantArchive(world, { takenAt: '2026-03-04T08:00:00.000Z' });
  const ended = runRecord('run_00000001', { status: 'ended', requestedAt: '2026-03-04T08:00:00.000Z' });
  const running = runRecord('run_00000002', { requestedAt: '2026-03-04T09:59:00.000Z' });
  for (const run of [ended, running]) await createRun(world, run);
  const damage = async (key: string): Promise<void> => {
    const { etag } = (await world.state.read(key))!;
    await world.state.change(key, Buffer.from('{"half": '), { etag });
  };
  const status = () => perform(world, 'status', { by, requestKey: 'test' });
  return { world, archive, ended, running, damage, status };
};

describe('with everything readable', () => {
  it('tells how things stand and names nothing', async () => {
    const { world, archive, status } = await place();
    const { standings, recent, running, unreadable } = await readHome(world, by);
    expect(unreadable).toEqual([]);
    expect(standings[0]?.latestGood?.archive).toBe(archive);
    expect([recent.length, running.length]).toEqual([2, 1]);
    expect((await status()).headline).toBe('Every instance has a good archive within its target.');
  });
});

describe('with a damaged record', () => {
  it('a run: is named, and the other runs are shown', async () => {
    const { world, ended, running, damage, status } = await place();
    await damage(stateKeys.run(ended.id));
    const home = await readHome(world, by);
    expect(home.unreadable).toEqual([`record "${stateKeys.run(ended.id)}" cannot be read`]);
    expect(home.recent.map(({ id }) => id)).toEqual([running.id]);
    expect(home.running.map(({ run }) => run.id)).toEqual([running.id]);
    const { headline, lines } = await status();
    expect(headline).toBe('Not everything can be read; what is known follows.');
    expect(lines.join('\n')).toMatch(/newest good archive.*\n {2}not known: record "runs\/run_00000001\/run.json"/);
  });

  it('the settings: are named, the archive and the runs are shown, and nothing is called safe', async () => {
    const { world, archive, running, damage, status } = await place();
    await damage(stateKeys.settings('prod'));
    const { standings, recent, unreadable } = await readHome(world, by);
    expect(unreadable).toEqual(['record "prod/settings.json" cannot be read']);
    expect(standings).toMatchObject([{ targetSeconds: null, nextRun: null, latestGood: { archive } }]);
    expect(recent.map(({ id }) => id)).toContain(running.id);
    expect((await status()).lines[0]).toBe(`prod: newest good archive ${archive}, 2 h old (target unknown)`);
  });

  it('a step of a run at work: is named, the run stays among the last ones', async () => {
    const { world, running, damage } = await place();
    const key = stateKeys.stepNote(running.id, 'PlanRun');
    await world.state.create(key, Buffer.from('{}'));
    await damage(key);
    const home = await readHome(world, by);
    expect(home.unreadable).toEqual([`record "${key}" cannot be read`]);
    expect(home.running).toEqual([]);
    expect(home.recent.map(({ id }) => id)).toContain(running.id);
  });

  it('a manifest: nothing is said of a newest good archive', async () => {
    const { world, archive, status } = await place();
    const key = archiveKeys.manifest('prod', archive);
    const { etag } = (await world.archives.read(key))!;
    await world.archives.change(key, Buffer.from('{'), { etag });
    const { standings, recent } = await readHome(world, by);
    expect(standings).toMatchObject([{ areArchivesRead: false, latestGood: null }]);
    expect(recent).toHaveLength(2);
    expect((await status()).lines[0]).toBe('prod: its archives cannot be read');
  });
});
