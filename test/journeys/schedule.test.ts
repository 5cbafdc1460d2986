/** The schedule, whole: changed in Slack, kept by the clock, paused, and made up for after a downtime. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { stateKeys } from '../../lib/domain/names.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { listRuns } from '../../lib/repository/run-book.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import { update } from '../../lib/repository/update.ts';
import { eventually, type Installation, install } from './installation.ts';

/** Six hours from now or ago: no slot comes while the journey lasts, and a downtime of twelve hours missed one. */
const DAILY = `0 ${new Date(Date.now() - 6 * 3_600_000).getUTCHours()} * * *`;

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

const answerTo = async (person: string, command: string): Promise<string> => {
  const before = place.slack.api.messages().length;
  await place.slack.api.type(person, command);
  return eventually(`an answer to ${command}`, async () => {
    const answer = place.slack.api
      .messages()
      .slice(before)
      .find(({ visibleTo }) => visibleTo !== null);
    return answer === undefined ? null : JSON.stringify(answer);
  });
};

const formWith = (person: string, text: string) =>
  eventually(
    `a form for ${person} with "${text}"`,
    async () => place.slack.api.forms(person).find((form) => JSON.stringify(form).includes(text)) ?? null,
  );

const send = async (person: string, text: string, values: Record<string, unknown>): Promise<void> => {
  const form = await formWith(person, text);
  expect(await place.slack.api.submit(person, form.id, values)).toEqual({ errors: null, failure: null });
};

/** Up to the page that shows what would change. */
const fillIn = async (person: string, values: Record<string, unknown>): Promise<void> => {
  await place.slack.api.type(person, '/octo backup settings');
  await send(person, 'See what changes', values);
  await formWith(person, 'Save this?');
};

describe('the schedule', () => {
  it('is changed in a form, refused when somebody was faster, and nothing is lost', async () => {
    await fillIn('ben', { wait: '1' });
    await fillIn('ana', { online: DAILY, target: '12' });
    await send('ana', 'Save this?', {});
    await formWith('ana', 'ana changed settings of prod: online from');
    await send('ben', 'Save this?', {});
    await formWith('ben', 'SettingsChanged');
    expect(await readSettings(place.world, 'prod')).toMatchObject({
      schedule: { online: DAILY, quiesced: null },
      targetHours: 12,
      wait: { minutes: 30 },
    });
    const audited = (await Array.fromAsync(newestEntries(place.world))).flatMap(({ entry }) => entry ?? []);
    const endOf = (name: string) => audited.find(({ who, stage }) => who.person === name && stage !== 'intent');
    expect(endOf('ana')).toMatchObject({ act: 'backup settings', stage: 'done', who: { door: 'slack' } });
    expect(endOf('ben')).toMatchObject({ act: 'backup settings', stage: 'refused', who: { door: 'slack' } });
  });

  it('is paused and resumed', async () => {
    expect(await answerTo('ben', '/octo backup pause prod until tomorrow')).toMatch(/paused until/);
    expect((await readSettings(place.world, 'prod')).pause).toMatchObject({ by: 'ben' });
    expect(await answerTo('ben', '/octo backup resume')).toMatch(/goes on/);
    expect((await readSettings(place.world, 'prod')).pause).toBeNull();
  });

  it('shows on App Home, whose buttons answer in a form of their own, not in the channel', async () => {
    await place.slack.api.openHome('ana');
    const home = await eventually('App Home', async () => place.slack.api.home('ana'));
    expect(JSON.stringify(home.body.blocks)).toMatch(
      /🔴 \*prod\*.*no good archive yet.*maintenance mode off.*next run/,
    );
    const before = place.slack.api.messages().length;
    await place.slack.api.click('ana', home.id, 'command:help');
    await formWith('ana', 'backup settings [instance]');
    expect(place.slack.api.messages()).toHaveLength(before);
  });

  it('makes up for a downtime with one run that says so', async () => {
    await place.kill();
    const checkedUntil = new Date(Date.now() - 12 * 3_600_000).toISOString();
    const at = { key: stateKeys.schedule('prod'), schema: z.strictObject({ checkedUntil: z.string() }) };
    await update(place.world.state, at, () => ({ checkedUntil }));
    await place.start();
    const [run] = await eventually('the catch-up', async () => {
      const runs = await listRuns(place.world, { limit: 10 });
      return runs.length > 0 ? runs : null;
    });
    expect(run).toMatchObject({ requestedBy: { door: 'schedule', channel: place.slack.api.channelId } });
    expect(run?.reason).toMatch(/^catch-up: 1 scheduled backup was missed since/);
    const { run: ended } = await place.ended(run!.id);
    expect(ended).toMatchObject({ outcome: { word: 'good', backup: { consistency: 'online' } } });
    expect(await listRuns(place.world, { limit: 10 })).toHaveLength(1);
    const card = await eventually('its card', async () => {
      const cards = place.slack.api.messages().filter(({ blocks }) => JSON.stringify(blocks).includes(run!.id));
      return cards.find(({ text }) => text.includes('good')) ?? null;
    });
    expect(JSON.stringify(card.blocks)).toMatch(/by schedule.*Next run: <!date/);
  });
});
