/** The settings form: what Slack takes, and what a sent one asks for. */
import { describe, expect, it } from 'vitest';
import { applySettings, settingChanges, settingFields } from '../../lib/domain/settings/setting-fields.ts';
import { defaultSettings } from '../../lib/domain/settings/settings.ts';
import type { FieldValue } from '../../lib/slack/receive.ts';
import { settingsConfirm } from '../../lib/slack/forms/settings-confirm.ts';
import { settingsAsked, settingsForm } from '../../lib/slack/settings-form.ts';
import { elementsOf, stateOf } from '../../sandbox/slack/block-elements.ts';
import { viewProblems } from '../../sandbox/slack/block-rules.ts';

const settings = defaultSettings('0123456789abcdef0123456789abcdef');
const form = settingsForm('prod', settings);

/** What Slack sends when the person changed these fields and left the others as shown. */
const sent = (changed: Record<string, string>) => {
  const values: Record<string, FieldValue> = {};
  for (const { element } of elementsOf(form.blocks as unknown as Parameters<typeof elementsOf>[0])) {
    const name = String(element['action_id']);
    const state = stateOf(element, changed[name]) as { value?: string; selected_option?: { value: string } };
    values[name] = state.selected_option?.value ?? state.value ?? null;
  }
  return settingsAsked(form.private_metadata!, values);
};

describe('the settings form', () => {
  it('is one that Slack takes, also with everything at its longest', () => {
    const tell = Array.from({ length: 20 }, (_, n) => `U0123456789${n}A`).join(',');
    const names = (mark: string) => Array.from({ length: 5 }, (_, n) => `${mark}${n}`.padEnd(39, 'x')).join(',');
    const typed = { tell, zone: 'America/Argentina/ComodRivadavia', channel: 'C0123456789' };
    const long = applySettings(settings, { ...typed, approvers: names('a'), folders: names('f') });
    expect(viewProblems(form)).toEqual([]);
    const instance = 'i'.repeat(40);
    expect(viewProblems(settingsForm(instance, long))).toEqual([]);
    const changed = Object.fromEntries(settingChanges(settings, long).map(({ name, after }) => [name, after]));
    const changes = settingChanges(settings, long);
    expect(viewProblems(settingsConfirm({ instance, seen: long, typed: changed, changes }))).toEqual([]);
  });

  it('has a field for every setting, and never the salt', () => {
    const elements = elementsOf(form.blocks as unknown as Parameters<typeof elementsOf>[0]);
    const names = new Set(elements.map(({ element }) => element['action_id']));
    expect(settingFields.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
    expect(JSON.stringify(form)).not.toContain(settings.salt);
  });

  it('asks for nothing when it is sent as it was shown', () => {
    expect(sent({})).toMatchObject({ instance: 'prod', typed: {} });
  });

  it('asks for what was changed, and knows what was seen', () => {
    const { typed, seen } = sent({ wait: '5', 'on-timeout': 'online' });
    expect(typed).toEqual({ wait: '5', 'on-timeout': 'online' });
    expect({ ...seen, salt: settings.salt }).toEqual(settings);
  });

  it('takes the schedule from the choice or from the cron, whichever was changed', () => {
    expect(sent({ 'online-choice': '0 */6 * * *' }).typed).toEqual({ online: '0 */6 * * *' });
    expect(sent({ online: '5 * * * *' }).typed).toEqual({ online: '5 * * * *' });
    expect(sent({ 'online-choice': 'cron', online: '5 * * * *' }).typed).toEqual({ online: '5 * * * *' });
    expect(sent({ 'quiesced-choice': 'off' }).typed).toEqual({ quiesced: 'off' });
    expect(() => sent({ 'online-choice': '0 */6 * * *', online: '5 * * * *' })).toThrow(
      expect.objectContaining({ code: 'SettingInvalid' }),
    );
  });
});
