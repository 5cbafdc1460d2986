/** Settings: made once, read whatever version wrote them, changed one after the other. */
import { describe, expect, it } from 'vitest';
import { stateKeys } from '../../lib/domain/names.ts';
import { applySettings, settingFields } from '../../lib/domain/settings/setting-fields.ts';
import { defaultSettings } from '../../lib/domain/settings/settings.ts';
import { encodeRecord } from '../../lib/repository/update.ts';
import { changeSettings, readSettings, refuseChangedSince } from '../../lib/repository/settings.ts';
import { makeWorld } from '../worker/support.ts';

const SALT = '0123456789abcdef0123456789abcdef';

it('gives all who ask first at once the same settings', async () => {
  const world = makeWorld();
  const answers = await Promise.all(Array.from({ length: 8 }, () => readSettings(world, 'prod')));
  expect(new Set(answers.map(({ salt }) => salt)).size).toBe(1);
  expect(await readSettings(world, 'prod')).toEqual(answers[0]);
  expect((await readSettings(world, 'test')).salt).not.toBe(answers[0]?.salt);
});

it('reads a file of before there was a schedule, with the defaults for what it lacks', async () => {
  const world = makeWorld();
  const old = {
    salt: SALT,
    wait: { minutes: 5, onTimeout: 'online' },
    quietMinutes: 20,
    isDatabaseCompressed: true,
    tolerance: { sizePercent: 1, filePercent: 2 },
  };
  const tolerance = { shrinkPercent: 1, growthPercent: 100 };
  await world.state.create(stateKeys.settings('prod'), encodeRecord(old));
  expect(await readSettings(world, 'prod')).toEqual({ ...defaultSettings(SALT), ...old, tolerance });
});

it('loses no change when many are made at once, and keeps the salt', async () => {
  const world = makeWorld();
  const { salt } = await readSettings(world, 'prod');
  const typed = [{ target: '12' }, { wait: '7' }, { zone: 'Europe/Berlin' }, { online: 'off' }, { successes: 'quiet' }];
  const done = await Promise.all(
    typed.map((one) => changeSettings(world, 'prod', (current) => applySettings(current, one))),
  );
  expect(done.map(({ changes }) => changes.map(({ name }) => name))).toEqual(typed.map((one) => Object.keys(one)));
  expect(await readSettings(world, 'prod')).toMatchObject({
    salt,
    targetHours: 12,
    wait: { minutes: 7 },
    schedule: { timeZone: 'Europe/Berlin', online: null },
    tell: { isSuccessShown: false },
  });
});

it('refuses what was decided on other settings, and names what changed meanwhile', async () => {
  const world = makeWorld();
  const seen = await readSettings(world, 'prod');
  await changeSettings(world, 'prod', (current) => applySettings(current, { target: '12' }));
  const late = changeSettings(world, 'prod', (current) => {
    refuseChangedSince(seen, current);
    return applySettings(current, { wait: '1' });
  });
  await expect(late).rejects.toMatchObject({
    code: 'SettingsChanged',
    message: expect.stringMatching(/target from "8" to "12"/) as string,
  });
  expect((await readSettings(world, 'prod')).wait.minutes).toBe(30);
});

describe('a setting', () => {
  const settings = defaultSettings(SALT);

  it.each(settingFields)('$name reads as it is typed', (field) => {
    expect(applySettings(settings, { [field.name]: field.read(settings) })).toEqual(settings);
  });

  it.each([
    ['online', '0 0 3 * * *', 'CronInvalid'],
    ['quiesced', '0 3 31 2 *', 'CronInvalid'],
    ['zone', 'Mars/Olympus', 'SettingInvalid'],
    ['target', '0', 'SettingInvalid'],
    ['target', '1.5', 'SettingInvalid'],
    ['wait', '-1', 'SettingInvalid'],
    ['quiet', '1e3', 'SettingInvalid'],
    ['consistency', 'none', 'SettingInvalid'],
    ['on-timeout', '', 'SettingInvalid'],
    ['compression', 'yes', 'SettingInvalid'],
    ['channel', '#general', 'SettingInvalid'],
    ['tell', 'ana', 'SettingInvalid'],
    ['tell', '<!channel>', 'SettingInvalid'],
    ['successes', 'loud', 'SettingInvalid'],
  ])('%s is never %j', (name, text, code) => {
    expect(() => applySettings(settings, { [name]: text })).toThrow(expect.objectContaining({ code }));
  });

  it('tells people and groups once each', () => {
    expect(applySettings(settings, { tell: 'U1A, S2B U1A' }).tell.mentions).toEqual(['U1A', 'S2B']);
    expect(applySettings(settings, { tell: 'nobody' }).tell.mentions).toEqual([]);
  });
});
