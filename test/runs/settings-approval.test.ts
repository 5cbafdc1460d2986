/** A run that waits for approval because the settings say so: who may decide is asked at the click, by the settings of then. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applySettings } from '../../lib/domain/settings/setting-fields.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { approvalWorld, type ApprovalWorld } from './approval-world.ts';

let on: ApprovalWorld;
beforeEach(() => {
  on = approvalWorld();
});
afterEach(() => on.remove());

const set = (typed: Record<string, string>) =>
  changeSettings(on.world, 'prod', (current) => applySettings(current, typed));

it('is approved by somebody else, never by whoever asked', async () => {
  await set({ approval: 'on' });
  const run = await on.waitingRun('ana');
  await expect(on.say(run, 'ana')).rejects.toMatchObject({ code: 'ApprovalNotYours' });
  expect((await on.say(run, 'dan')).approval.decision).toMatchObject({ kind: 'approved', persons: ['dan'] });
  expect(await on.confirm(run)).toEqual({ awaitSeconds: null });
});

it('stricter settings hold for a run that waits already, at the click and before it goes on', async () => {
  await set({ approval: 'on' });
  const run = await on.waitingRun('ana');
  await set({ approvers: '@approvers', 'approver-count': '2' });
  await expect(on.say(run, 'dan')).rejects.toMatchObject({
    code: 'ApprovalNotYours',
    facts: { whoCan: ['ben', 'cara'] },
  });
  expect((await on.say(run, 'ben')).approval.decision).toBeNull();
  expect((await on.say(run, 'cara')).approval.decision).toMatchObject({ persons: ['ben', 'cara'] });
  await set({ approvers: 'cara' });
  await expect(on.confirm(run)).rejects.toMatchObject({ code: 'ApprovalVoid' });
});

it('switched off while a run waits, somebody still has to say yes', async () => {
  await set({ approval: 'on', approvers: 'ben' });
  const run = await on.waitingRun('ana');
  await set({ approval: 'off' });
  await expect(on.say(run, 'ana')).rejects.toMatchObject({ code: 'ApprovalNotYours' });
  expect((await on.say(run, 'dan')).approval.decision).toMatchObject({ kind: 'approved' });
});
