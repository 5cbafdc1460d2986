/** Approval of backups as a setting: what it asks for, beside what octo.yml asks for, and who may change it. */
import { describe, expect, it } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import { Statement, type Policy } from '../../lib/domain/runs/approval-policy.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import { tick } from '../../lib/runs/tick.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';

const setUp = (...statements: unknown[]) => {
  const scheduled = scheduleWorld('2026-03-04T10:00:00.000Z');
  const policy: Policy = {
    people: ['ana', 'ben', 'cara'],
    groups: { approvers: ['ben', 'cara'] },
    statements: statements.map((statement) => Statement.parse(statement)),
  };
  const instance: World['instance'] = (name) => ({ ...scheduled.world.instance(name), isProduction: true });
  const world: World = { ...scheduled.world, policy, instance };
  let asked = 0;
  const type = (person: string, text: string): Promise<Reply> =>
    perform(world, text, { by: { door: 'slack', person, channel: null }, requestKey: `test:${asked++}` });
  const asks = async (person: string): Promise<RunRecord | null> =>
    readRun(world, (await type(person, 'backup now')).runId ?? '');
  return { world, clock: scheduled.world.clock, type, asks };
};

const SET = 'backup settings approval:on';

describe('approval by the settings', () => {
  it('is off at first, and then asks for what it names', async () => {
    const { type, asks } = setUp();
    expect((await asks('ana'))?.approval).toBeUndefined();
    const { type: other, asks: asksThen } = setUp();
    const reply = await other('ana', `${SET} approvers:@approvers approver-count:1`);
    expect(reply.headline).toContain('approval from "off" to "on"');
    expect(reply.lines[0]).toMatch(/^From now on a backup that people ask for needs 1 of @approvers.*schedule go on/);
    expect((await asksThen('ana'))?.approval).toMatchObject({
      count: 1,
      approvers: ['@approvers'],
      mayApproveSelf: false,
    });
    await expect(type('ana', `${SET} approvers:@nobody`)).rejects.toMatchObject({ code: 'SettingInvalid' });
  });

  it('is asked of strangers too, never of the schedule', async () => {
    const { world, clock, type, asks } = setUp();
    await type('ana', SET);
    expect((await asks('mallory (slack)'))?.approval).toMatchObject({ count: 1 });
    await tick(world, { instance: 'prod', channel: null });
    await clock.advance(3 * 3_600_000);
    const ticked = await tick(world, { instance: 'prod', channel: null });
    expect((await readRun(world, ticked?.runId ?? ''))?.approval).toBeUndefined();
  });

  it.each(['settings keep-last:0', 'pause', 'resume', 'release latest'])(
    'lets no stranger take protection away by backup %s, and keeps that one tried',
    async (words) => {
      const { world, type } = setUp();
      const before = await readSettings(world, 'prod');
      await expect(type('mallory (slack)', `backup ${words}`)).rejects.toMatchObject({ code: 'RequestNotAllowed' });
      expect(await readSettings(world, 'prod')).toEqual(before);
      const [last] = await Array.fromAsync(newestEntries(world));
      expect(last?.entry).toMatchObject({ stage: 'refused', who: { person: 'mallory (slack)' } });
    },
  );

  it('says whose requests nobody could approve, and refuses what nobody ever could', async () => {
    const { type } = setUp();
    const alone = await type('ana', `${SET} approvers:ben`);
    expect(alone.lines).toContain('Nobody could approve what ben asks for.');
    await expect(type('ben', 'backup settings approver-count:2')).rejects.toMatchObject({
      code: 'SettingInvalid',
      message: '2 people have to approve, and only 1 of ben could',
    });
    await expect(setUp().type('ana', `${SET} approver-count:3`)).rejects.toMatchObject({ code: 'SettingInvalid' });
  });
});

describe('beside octo.yml', () => {
  const CONFIGURED = {
    effect: 'approve',
    verbs: ['backup'],
    approvers: ['cara', 'ana'],
    count: 2,
    breakGlass: ['ana'],
  };

  it('the stricter of both holds: more people, and only those whom both name', async () => {
    const { type, asks } = setUp({ ...CONFIGURED, count: 1, mayApproveSelf: true });
    await type('ana', `${SET} approvers:@approvers`);
    expect((await asks('ana'))?.approval).toMatchObject({
      count: 1,
      approvers: ['cara'],
      mayApproveSelf: false,
      breakGlass: ['ana'],
    });
  });

  it('switched off it takes nothing away, and says so', async () => {
    const { type, asks } = setUp(CONFIGURED);
    await type('ana', `${SET} approvers:everyone`);
    const reply = await type('ana', 'backup settings approval:off');
    expect(reply.lines[0]).toBe(
      'Without effect on approval: octo.yml asks for it all the same; a backup that people ask for needs 2 of cara, ana.',
    );
    expect((await asks('ben'))?.approval).toMatchObject({ count: 2, approvers: ['cara', 'ana'] });
  });

  it('a denial holds whatever the settings say, and may take the settings away', async () => {
    const { type } = setUp({ effect: 'deny', who: ['ben'], verbs: ['backup', 'settings'] });
    await type('ana', `${SET} approvers:everyone`);
    await expect(type('ben', 'backup now')).rejects.toMatchObject({ code: 'RequestNotAllowed' });
    for (const text of ['backup settings target:9', 'backup pause', 'backup resume'])
      await expect(type('ben', text)).rejects.toMatchObject({ code: 'RequestNotAllowed' });
  });
});

describe('who may change it', () => {
  it('strangers may not; making it weaker takes one whom it trusts, and the audit keeps both', async () => {
    const { world, type } = setUp();
    await expect(type('mallory (slack)', SET)).rejects.toMatchObject({ code: 'RequestNotAllowed' });
    await type('ana', `${SET} approvers:@approvers`);
    for (const text of ['approval:off', 'approvers:everyone', 'approvers:ana,ben'])
      await expect(type('ana', `backup settings ${text}`)).rejects.toMatchObject({
        code: 'SettingNotYours',
        facts: { whoCan: ['ben', 'cara'] },
      });
    expect((await readSettings(world, 'prod')).approval).toMatchObject({ isRequired: true });
    const [refused] = await Array.fromAsync(newestEntries(world));
    expect(refused?.entry).toMatchObject({ stage: 'refused', detail: { code: 'SettingNotYours' } });
    expect((await type('cara', 'backup settings approval:off')).headline).toContain('approval from "on" to "off"');
  });
});
