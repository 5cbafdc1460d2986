/** `backup settings`, `pause` and `resume`, as typed in a terminal. */
import { describe, expect, it } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';

const START = '2026-03-04T10:00:00.000Z';

const terminal = () => {
  const { world } = scheduleWorld(START);
  let asked = 0;
  const type = (text: string): Promise<Reply> =>
    perform(world, text, { by: { door: 'terminal', person: 'ana', channel: null }, requestKey: `test:${asked++}` });
  return { world, type };
};

const lines = ({ headline, lines: more }: Reply): string => [headline, ...more].join('\n');

describe('backup settings', () => {
  it('shows every setting, the next run and how to change one', async () => {
    const { type } = terminal();
    const shown = lines(await type('backup settings'));
    expect(shown).toMatch(/^online +0 \*\/4 \* \* \* +Online backups$/m);
    expect(shown).toMatch(/^Next run: 2026-03-04 12:00 UTC, online\.$/m);
    expect(shown).toContain('Archives lie under prod/archives/');
    expect(shown).not.toMatch(/salt|[0-9a-f]{32}/);
  });

  it('changes what is named, says before and after, and keeps it in the audit', async () => {
    const { world, type } = terminal();
    const reply = await type('backup settings prod online:"30 */6 * * *" zone:Europe/Berlin tell:<@U0ANA|ana>');
    expect(reply.headline).toBe(
      'ana changed settings of prod: online from "0 */4 * * *" to "30 */6 * * *", zone from "UTC" to "Europe/Berlin", tell from "nobody" to "U0ANA".',
    );
    const [done] = await Array.fromAsync(newestEntries(world));
    expect(done?.entry).toMatchObject({ stage: 'done', act: 'backup settings', detail: { answer: reply.headline } });
  });

  it('says when the schedule cannot keep the target', async () => {
    const { type } = terminal();
    expect(lines(await type('backup settings online:"0 */6 * * *"'))).not.toContain('alarm');
    expect(lines(await type('backup settings online:off'))).toContain(
      'The schedule leaves 24 h between backups, the target is 8 h: an alarm will be raised each time.',
    );
    expect(lines(await type('backup settings quiesced:off'))).toContain('leaves a week or more between backups');
    expect(lines(await type('backup settings quiesced:"0 2 * * *" target:24'))).not.toContain('alarm');
  });

  it('says when nobody would have time to answer', async () => {
    const { type } = terminal();
    expect(lines(await type('backup settings on-timeout:ask wait:60 quiet:60'))).toMatch(/less than 5 min to answer/);
    expect(lines(await type('backup settings quiet:90'))).not.toContain('to answer');
  });

  it('changes nothing when one of several is wrong', async () => {
    const { world, type } = terminal();
    const before = await readSettings(world, 'prod');
    await expect(type('backup settings wait:5 online:"0 3 31 2 *"')).rejects.toMatchObject({ code: 'CronInvalid' });
    await expect(type('backup settings wat:5')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
    expect(await readSettings(world, 'prod')).toEqual(before);
  });
});

describe('backup pause', () => {
  it.each([
    ['backup pause', null],
    ['backup pause prod', null],
    ['backup pause until 4h', '2026-03-04T14:00:00.000Z'],
    ['backup pause prod for 2d', '2026-03-06T10:00:00.000Z'],
    ['backup pause prod until tomorrow', '2026-03-05T00:00:00.000Z'],
    ['backup pause until 2026-03-05T08:00', '2026-03-05T08:00:00.000Z'],
    ['backup pause prod until 2026-04-01', '2026-04-01T00:00:00.000Z'],
  ])('%s', async (text, until) => {
    const { world, type } = terminal();
    await type(text);
    expect((await readSettings(world, 'prod')).pause).toEqual({ until, by: 'ana', since: START });
  });

  it.each([
    'backup pause until',
    'backup pause prod until yesterday',
    'backup pause prod until noon',
    'backup pause prod 4h',
    'backup pause until 2026-02-30',
    'backup pause until 0h',
  ])('does nothing for %s', async (text) => {
    const { world, type } = terminal();
    await expect(type(text)).rejects.toMatchObject({ code: 'ArgumentInvalid' });
    expect((await readSettings(world, 'prod')).pause).toBeNull();
  });

  it('ends with resume, which says so also when there was none', async () => {
    const { world, type } = terminal();
    await type('backup pause');
    expect((await type('backup resume')).headline).toBe('The schedule of prod goes on.');
    expect((await type('backup resume')).headline).toBe('The schedule of prod was not paused.');
    expect((await readSettings(world, 'prod')).pause).toBeNull();
  });
});
