/**
 * What people decide about backups, whole, from the screen: approval in the settings form, folders left out, a run that asks
 * how to go on, an archive that somebody accepts, and a click that proves the way back.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../lib/repository/archives.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import type { StoredMessage } from '../../sandbox/slack/workspace.ts';
import { eventually, type Installation, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());
afterEach(() => set('approval:off folders:all on-timeout:abort wait:30'));

/** Ben changes settings in words; he is trusted with all of them. */
const set = async (words: string): Promise<void> => {
  const said = await answerTo('ben', `backup settings prod ${words}`);
  expect(said).toMatch(/settings of prod/);
};

/** What only the person sees in answer. */
const answerTo = async (person: string, words: string): Promise<string> => {
  const before = place.slack.api.messages().length;
  await place.slack.api.type(person, `/octo ${words}`);
  return eventually(`an answer to ${words}`, async () => {
    const told = place.slack.api
      .messages()
      .slice(before)
      .find(({ visibleTo }) => visibleTo === place.slack.api.person(person)?.id);
    return told === undefined ? null : JSON.stringify(told);
  });
};

const messageWith = (...texts: string[]): Promise<StoredMessage> =>
  eventually(`a message with ${texts.join(' and ')}`, async () => {
    const found = place.slack.api
      .messages()
      .filter(({ visibleTo }) => visibleTo === null)
      .find((message) => texts.every((text) => JSON.stringify(message).includes(text)));
    return found ?? null;
  });

const formWith = (person: string, text: string) =>
  eventually(`a form for ${person} with "${text}"`, async () => {
    const form = place.slack.api.forms(person)[0];
    return form !== undefined && JSON.stringify(form).includes(text) ? form : null;
  });

const send = async (person: string, text: string, values: Record<string, unknown>): Promise<void> => {
  const form = await formWith(person, text);
  expect(await place.slack.api.submit(person, form.id, values)).toEqual({ errors: null, failure: null });
};

describe('a run that asks', () => {
  // First: the product's clock runs fast, and begins anew when it is started again.
  it('survives kill -9 while it asks, and gives up when it is told to', async () => {
    await set('on-timeout:ask wait:0');
    const end = await place.fault('task-endless');
    const runId = await place.ask('ana', '/octo backup now');
    await messageWith(runId, 'command:answer-abort');
    await place.kill();
    await place.start();
    const said = await answerTo('ben', `answer ${runId} abort`);
    expect(said).toContain('gives up');
    const { run } = await place.ended(runId);
    await end();
    expect(run.outcome).toMatchObject({ word: 'failed', error: { code: 'TasksStillRunning' } });
    expect(await place.closedDoors()).toEqual([]);
  });

  it('goes on by the answer of a button, and takes its buttons back', async () => {
    await set('on-timeout:ask wait:0');
    const end = await place.fault('task-endless');
    const runId = await place.ask('ana', '/octo backup now');
    const card = await messageWith(runId, 'command:answer-online');
    expect(await place.closedDoors()).not.toEqual([]);
    await messageWith(runId, 'asks how to go on', 'Answer in its message');
    await place.slack.api.click('ben', card.ts, 'command:answer-online');
    const { run } = await place.ended(runId);
    await end();
    expect(run.outcome).toMatchObject({
      word: 'good',
      backup: { consistency: 'online' },
      notes: expect.arrayContaining([expect.stringMatching(/^went on online as ben said, after/)]) as string[],
    });
    expect(await place.closedDoors()).toEqual([]);
    expect(JSON.stringify(await messageWith(runId, 'Backup good'))).not.toContain('command:answer');
    expect(await answerTo('ana', `answer ${runId} wait`)).toContain('QuestionNotOpen');
  });
});

describe('approval in the settings form', () => {
  it('is put before backups by one person, and the other one approves', async () => {
    await place.slack.api.type('ana', '/octo backup settings prod');
    await send('ana', 'approver-count', { approval: 'on' });
    await send('ana', 'Save this?', {});
    await eventually('the setting', async () =>
      (await readSettings(place.world, 'prod')).approval.isRequired ? true : null,
    );
    const runId = await place.ask('ana', '/octo backup now reason:"behind approval now"');
    const card = await messageWith(runId, 'command:approve');
    expect(JSON.stringify(card)).toContain('needs');
    await place.slack.api.click('ben', card.ts, 'command:approve');
    await send('ben', 'Type prod to approve', { confirm: 'prod' });
    expect((await place.ended(runId)).run.outcome).toMatchObject({ word: 'good' });
    await messageWith(runId, 'approved by ben');
  });
});

describe('folders that are left out', () => {
  it('by the request make gaps, which a person can accept; by the settings a good archive', async () => {
    const whole = await place.ended(await place.ask('ana', '/octo backup now'));
    const asked = await place.ended(await place.ask('ana', '/octo backup now folders:none'));
    expect(asked.run.outcome).toMatchObject({
      word: 'gaps',
      gaps: [expect.stringMatching(/^left out, as it was asked for: .*packages/)],
      backup: { files: { count: 0, missingCount: 0 } },
    });
    const { archiveId } = asked.run.outcome!.backup!;
    const manifest = await readManifest(place.world, { instance: 'prod', archiveId });
    expect(manifest?.folders.leftOut?.map(({ name }) => name)).toContain('packages');
    expect((await latestGood(place.world, 'prod'))?.archiveId).toBe(whole.run.outcome?.backup?.archiveId);

    // What this host knows of the folders is not forgotten: the next whole backup stores nothing of them again.
    const next = await place.ended(await place.ask('ana', '/octo backup now'));
    const nextManifest = await readManifest(place.world, { instance: 'prod', archiveId: next.run.archiveId! });
    expect(nextManifest?.folders.addedBytes).toBeLessThan(200_000);

    expect(await answerTo('ana', `backup verify ${archiveId}`)).toContain('is whole');
    const card = await messageWith(asked.run.id, 'command:accept');
    await place.slack.api.click('ben', card.ts, 'command:accept');
    await send('ben', 'What did you find?', { reason: 'only the database was wanted' });
    await messageWith(asked.run.id, 'it counts as good', 'only the database was wanted');

    await set('folders:packages,artifacts');
    const chosen = await place.ended(await place.ask('ana', '/octo backup now consistency:online'));
    expect(chosen.run.outcome).toMatchObject({
      word: 'good',
      notes: expect.arrayContaining([expect.stringMatching(/^left out, as the settings say: task-logs/)]) as string[],
    });
  });
});

describe('check', () => {
  it('posts a message whose button proves the way back', async () => {
    expect(await answerTo('ana', 'check')).toMatch(/Slack button.*no click has come back yet/);
    const message = await messageWith('check clicked');
    await place.slack.api.click('ben', message.ts, 'command:check-clicked');
    await messageWith('back works; ben clicked');
    expect(await answerTo('ana', 'check')).toMatch(/a click of ben came back/);
  });
});

describe('keys save', () => {
  it('keeps the master key and the license, without an archive, and fails where they cannot be read', async () => {
    const kept = (await place.world.secretStore.list('prod/')).length;
    const { run } = await place.ended(await place.ask('ana', '/octo keys save prod reason:"before the move"'));
    expect(run).toMatchObject({ workflow: 'keys', archiveId: null, outcome: { word: 'good' } });
    expect(run.outcome?.notes).toEqual([
      expect.stringMatching(/^master key [0-9a-f]{16} is in the secret store$/),
      expect.stringMatching(/^license [0-9a-f]{16} is in the secret store$/),
    ]);
    expect((await place.world.secretStore.list('prod/')).length).toBeGreaterThanOrEqual(Math.max(kept, 2));
    await messageWith(run.id, 'Key backup good');

    const end = await place.fault('key-unreadable');
    const failed = await place.ended(await place.ask('ana', '/octo keys save'));
    await end();
    expect(failed.run.outcome).toMatchObject({ word: 'failed', safeNow: 'Nothing was changed.' });
  });
});
