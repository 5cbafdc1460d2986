/** Forms: which open at once, the settings in two pages, and what a person had typed is never lost. */
import type { KnownBlock } from '@slack/types';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../lib/commands/grammar/command.ts';
import { commands } from '../../lib/commands/index.ts';
import { takeForm } from '../../lib/commands/grammar/forms.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { changeSettings, readSettings } from '../../lib/repository/settings.ts';
import type { ChatForm } from '../../lib/ports/chat.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { applySettings } from '../../lib/domain/settings/setting-fields.ts';
import { refusedForm, withEntered } from '../../lib/slack/forms/answer-form.ts';
import { formDue } from '../../lib/slack/forms/loading-form.ts';
import { type FieldValue, receive } from '../../lib/slack/receive.ts';
import { settingsForm } from '../../lib/slack/settings-form.ts';
import { elementsOf, stateOf } from '../../sandbox/slack/block-elements.ts';
import { viewProblems } from '../../sandbox/slack/block-rules.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';

const plain = (text: string) => ({ type: 'plain_text' as const, text });
const typed = (text: string) => formDue(receive({ command: '/octo', text, channel_id: 'C1' })!);
const clicked = (value: string, channel: string | null) =>
  formDue(
    receive({
      type: 'block_actions',
      ...(channel !== null && { channel: { id: channel } }),
      actions: [{ action_id: 'command:x', value }],
    })!,
  );

describe('a form that is due', () => {
  it('is told from the words of each command that has one, and of no other', () => {
    const inWords = ({ words, mark = '' }: Command) => `${words.join(' ')} ${mark}`.trim();
    const due = commands.filter((command) => typed(inWords(command)) !== null).map(inWords);
    expect(due).toEqual(commands.filter(({ form }) => form !== undefined).map(inWords));
  });

  it.each([
    ['  Backup   SETTINGS prod', 'Backup settings'],
    ['backup settings prod online:off', null],
    ['approve run_7F3K9Q2M', 'Approve'],
    ['approve run_7F3K9Q2M confirm:prod', null],
    ['approve run_7F3K9Q2M --break-glass reason:"x"', null],
    ['deny run_7F3K9Q2M reason:"x"', null],
    ['constructor', null],
    ['', null],
  ])('%s: %s', (text, title) => {
    expect(typed(text)).toBe(title);
  });

  it('is one for every click where there is no channel to answer in', () => {
    expect(clicked('backup now prod', null)).toBe('octo');
    expect(clicked('backup now prod', 'C1')).toBeNull();
    expect(clicked('deny run_7F3K9Q2M', 'C1')).toBe('Deny');
  });
});

describe('a form that is shown again', () => {
  const options = ['a', 'b'].map((value) => ({ text: plain(value), value }));
  const input = (element: object): KnownBlock =>
    ({ type: 'input', block_id: 'known', label: plain('x'), element }) as KnownBlock;
  const form: ChatForm = {
    type: 'modal',
    title: plain('Form'),
    submit: plain('Send'),
    blocks: [
      input({ type: 'plain_text_input', action_id: 'text', initial_value: 'before' }),
      input({ type: 'plain_text_input', action_id: 'emptied', initial_value: 'before' }),
      input({ type: 'static_select', action_id: 'choice', options, initial_option: options[0] }),
      input({ type: 'checkboxes', action_id: 'ticks', options, initial_options: [options[0]] }),
      input({ type: 'checkboxes', action_id: 'unticked', options, initial_options: [options[0]] }),
    ],
  };
  const values = { text: 'typed', emptied: '', choice: 'b', ticks: ['a', 'b'], unticked: [] };
  const valuesIn = ({ blocks }: ChatForm) =>
    Object.fromEntries(
      elementsOf(blocks as unknown as Parameters<typeof elementsOf>[0]).map(({ element }) => [
        element['action_id'],
        element['initial_value'] ??
          (element['initial_option'] as { value: string } | undefined)?.value ??
          (element['initial_options'] as { value: string }[] | undefined)?.map(({ value }) => value),
      ]),
    );
  const wrong = new OctoError('SettingInvalid', 'text is no text');

  it('holds what was typed, says what is wrong, and says so once', () => {
    const again = refusedForm(form, values, wrong);
    expect(valuesIn(again)).toEqual({
      text: 'typed',
      emptied: undefined,
      choice: 'b',
      ticks: ['a', 'b'],
      unticked: undefined,
    });
    expect(viewProblems(again)).toEqual([]);
    const third = refusedForm(again, values, wrong);
    expect(JSON.stringify(third).match(/Text is no text/g)).toHaveLength(1);
    expect(third.blocks).toHaveLength(again.blocks.length);
  });

  it('leaves alone what nobody typed', () => {
    expect(valuesIn(withEntered(form, { values: {}, note: [] }))).toMatchObject({ text: 'before', choice: 'a' });
  });

  it('is an answer without fields where no other input would help', () => {
    const { blocks, submit } = refusedForm(form, values, new OctoError('ApprovalDecided', 'ben was faster'));
    expect(JSON.stringify(blocks)).toMatch(/Ben was faster.*ApprovalDecided/);
    expect([submit, blocks.filter(({ type }) => type === 'input')]).toEqual([undefined, []]);
  });
});

describe('the settings form', () => {
  const by = { door: 'slack' as const, person: 'ana', channel: 'C1' };
  const place = async () => {
    const policy = { people: ['ana', 'ben'], groups: {}, statements: [] };
    const world = { ...scheduleWorld('2026-03-04T10:00:00.000Z').world, policy };
    let sent = 0;
    /** Sends `form` with these fields changed, as Slack does. */
    const send = (form: ChatForm, changed: Record<string, string> = {}) => {
      const values: Record<string, FieldValue> = {};
      for (const { element } of elementsOf(form.blocks as unknown as Parameters<typeof elementsOf>[0])) {
        const name = String(element['action_id']);
        const state = stateOf(element, changed[name]) as { value?: string; selected_option?: { value: string } };
        values[name] = state.selected_option?.value ?? state.value ?? null;
      }
      const body = { callbackId: form.callback_id!, privateMetadata: form.private_metadata!, values };
      return takeForm(world, body, { by, requestKey: `form:${sent++}` });
    };
    const next = async (form: ChatForm, changed?: Record<string, string>): Promise<ChatForm> => {
      const taken = await send(form, changed);
      if (!('form' in taken)) throw new Error(`no next page: ${taken.headline}`);
      expect(viewProblems(taken.form)).toEqual([]);
      return taken.form;
    };
    const first = settingsForm('prod', await readSettings(world, 'prod'));
    const entries = async () => (await Array.fromAsync(newestEntries(world))).length;
    return { world, send, next, first, entries };
  };

  it('shows what would change, from what to what, and writes nothing yet', async () => {
    const { world, next, first, entries } = await place();
    const before = await readSettings(world, 'prod');
    const page = await next(first, { target: '12', 'online-choice': '0 */6 * * *' });
    const words = JSON.stringify(page.blocks);
    expect(words).toContain('2 changes to the settings of prod');
    expect(words).toContain('*Target age in hours*\\n`8`  →  `12`');
    expect(words).toContain('`0 */4 * * *`  →  `0 */6 * * *`');
    expect([await readSettings(world, 'prod'), await entries()]).toEqual([before, 0]);
  });

  it('writes what was shown when it is confirmed, into the audit too', async () => {
    const { world, send, next, first, entries } = await place();
    const page = await next(first, { target: '12' });
    expect(await send(page)).toMatchObject({ headline: 'ana changed settings of prod: target from "8" to "12".' });
    expect(await readSettings(world, 'prod')).toMatchObject({ targetHours: 12 });
    expect(await entries()).toBeGreaterThan(0);
  });

  it('has no second page when nothing was changed', async () => {
    const { send, first } = await place();
    expect(await send(first)).toMatchObject({ headline: expect.stringContaining('nothing was changed') });
  });

  it.each(['first', 'confirm'] as const)(
    'that lost the race on its %s page says so, and keeps what was typed',
    async (at) => {
      const { world, send, next, first } = await place();
      const byOther = () => changeSettings(world, 'prod', (settings) => applySettings(settings, { wait: '5' }));
      const late = at === 'first' ? first : await next(first, { target: '12' });
      await byOther();
      const again = await next(late, at === 'first' ? { target: '12' } : {});
      expect(JSON.stringify(again.blocks)).toMatch(/changed while the form was open: wait from .*30.* to .*5/);
      expect(await readSettings(world, 'prod')).toMatchObject({ targetHours: 8 });
      // Sent as it is shown now, it leads to both changes.
      await send(await next(again));
      expect(await readSettings(world, 'prod')).toMatchObject({ targetHours: 12, wait: { minutes: 5 } });
    },
  );

  it('comes back with what was typed when it names what nothing bears', async () => {
    const { world, send, next, first } = await place();
    const again = await next(await next(first, { target: '12', approvers: 'bne' }));
    expect(JSON.stringify(again.blocks)).toContain('There is no bne in octo.yml; there is everyone, ana, ben.');
    await send(await next(again, { approvers: 'ben' }));
    expect(await readSettings(world, 'prod')).toMatchObject({ targetHours: 12, approval: { approvers: ['ben'] } });
  });

  it('refuses what is no setting before the second page', async () => {
    const { next, first } = await place();
    const again = await next(first, { target: 'soon' });
    expect(again.callback_id).toBe(first.callback_id);
    expect(JSON.stringify(again.blocks)).toMatch(/Code `SettingInvalid`.*"initial_value":"soon"/);
  });
});
