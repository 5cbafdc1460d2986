/** `/octo restore`: what is understood, what the form says and asks for, and what is recorded as asked for. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeForm } from '../../lib/commands/grammar/forms.ts';
import type { Request } from '../../lib/commands/grammar/command.ts';
import { parseCommand, perform } from '../../lib/commands/index.ts';
import { listRuns } from '../../lib/repository/run-book.ts';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import { archiveAged, commandsWorld, type CommandsWorld } from './commands-world.ts';

let place: CommandsWorld;
const started: unknown[] = [];

beforeEach(async () => {
  started.length = 0;
  place = commandsWorld();
  const workflows = { start: async (run: unknown) => void started.push(run), describe: async () => null };
  Object.assign(place.world, { workflows, hostDirectory: place.directory });
  await place.seal(24);
  await place.seal(4);
});

let asked = 0;
const by = (person: string, channel: string | null = 'C1'): Request => ({
  by: { door: 'slack', person, channel },
  requestKey: `asked ${(asked += 1)}`,
});
const formFor = async (text: string) => {
  const { command, args } = parseCommand(text);
  return (await command.form?.(place.world, args, by('ana'))) ?? null;
};
const runs = () => listRuns(place.world, { limit: 5 });

describe('a restore that is asked for', () => {
  it('names its archive by id, waits for somebody else, and starts its workflow', async () => {
    const reply = await perform(place.world, 'restore latest to prod only:database reason:"INC-412"', by('ana'));
    const [run] = await runs();
    expect(run).toMatchObject({
      workflow: 'restore',
      instance: 'prod',
      reason: 'INC-412',
      options: { archive: archiveAged(4), from: 'prod', only: 'database', as: 'same' },
      approval: { count: 1, isTyped: true },
    });
    expect(reply).toMatchObject({ runId: run!.id, headline: expect.stringContaining(archiveAged(4)) as string });
    expect(reply.lines.join(' ')).toContain('waits for approval');
    expect(started).toEqual([
      {
        workflow: 'restore',
        runId: run!.id,
        input: {
          run: run!.id,
          instance: 'prod',
          hosts: [{ name: 'prod-1', queueUrl: 'prod-1' }],
          archive: archiveAged(4),
          from: 'prod',
          only: 'database',
          as: 'same',
          awaitSeconds: 1800,
        },
      },
    ]);
  });

  it('is joined by the same request, and by no other', async () => {
    await perform(place.world, 'restore latest to prod', by('ana'));
    const same = await perform(place.world, `restore ${archiveAged(4)} to prod`, by('ben'));
    expect(same.headline).toContain('ana has already asked for this restore');
    await perform(place.world, `restore ${archiveAged(24)} to prod`, by('ben'));
    await perform(place.world, 'restore latest to prod only:folders', by('ben'));
    expect((await runs()).map(({ workflow }) => workflow)).toEqual(['restore', 'restore', 'restore']);
  });

  it('is kept in the audit under the instance that it is about', async () => {
    await perform(place.world, 'restore latest to prod', by('ana'));
    const entries = await Array.fromAsync(place.world.state.list('audit/'));
    const texts = await Promise.all(entries.map(async ({ key }) => String((await place.world.state.read(key))?.bytes)));
    expect(texts.some((text) => text.includes('"restore"') && text.includes('"prod"'))).toBe(true);
  });
});

describe('what was typed', () => {
  it.each([
    ['restore latest prod', /"to" belongs where "prod" stands/],
    ['restore latest to', /<instance> is missing/],
    ['restore', /<archive> is missing/],
    ['restore latest to prod only:keys', /only is one of database, folders/],
    ['restore latest to prod as:clone', /as is one of quarantine/],
    ['restore latest to nowhere', /no instance "nowhere"/],
    ['restore latest to prod from:nowhere', /no instance "nowhere"/],
    ['restore arc_20200101T000000Z_7F3K9Q2M to prod', /no archive "arc_20200101T000000Z_7F3K9Q2M"/],
  ])('%s is refused, and nothing is started', async (text, words) => {
    await expect(perform(place.world, text, by('ana'))).rejects.toThrow(words);
    expect([await runs(), started]).toEqual([[], []]);
  });

  it('may use the dashes and quotes of a phone, and any case of the word', async () => {
    await perform(place.world, 'restore latest TO prod reason:“before noon”', by('ana'));
    expect((await runs())[0]).toMatchObject({ reason: 'before noon' });
  });
});

describe('the form', () => {
  it('is filled in with what was typed, and asks for the same in the same channel', async () => {
    const form = await formFor('restore latest to prod as:quarantine only:folders reason:"why not"');
    expect(form).toMatchObject({ callback_id: 'restore', submit: { text: 'Ask for it' } });
    expect(blockProblems(form!.blocks, 'modal')).toEqual([]);
    const shown = JSON.stringify(form!.blocks);
    for (const words of [archiveAged(4), 'why not', 'quarantine', 'Folders only']) expect(shown).toContain(words);
    const sent = { callbackId: 'restore', privateMetadata: form!.private_metadata! };
    const values = { only: 'folders', as: 'same', reason: 'changed my mind' };
    await takeForm(place.world, { ...sent, values }, by('ana', null));
    expect((await runs())[0]).toMatchObject({
      reason: 'changed my mind',
      options: { archive: archiveAged(4), only: 'folders', as: 'same' },
      requestedBy: { channel: 'C1' },
    });
  });

  it('asks for the archive that it showed, whatever came since', async () => {
    const form = await formFor('restore latest to prod');
    await place.seal(1);
    const sent = { callbackId: 'restore', privateMetadata: form!.private_metadata! };
    await takeForm(place.world, { ...sent, values: { only: 'all', as: 'same', reason: null } }, by('ana', null));
    expect((await runs())[0]).toMatchObject({ options: { archive: archiveAged(4), only: 'all' } });
  });

  it('is not opened where only the plan is asked for', async () => {
    expect(await formFor('restore latest to prod --plan')).toBeNull();
  });
});
