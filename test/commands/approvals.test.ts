/** `/octo approve` and `deny`, typed or through their forms: who gets a form, what is answered, and what the audit keeps. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeForm } from '../../lib/commands/grammar/forms.ts';
import { parseCommand, perform } from '../../lib/commands/index.ts';
import type { Request } from '../../lib/commands/grammar/command.ts';
import { type ApprovalWorld, approvalWorld } from '../runs/approval-world.ts';

let place: ApprovalWorld;

beforeEach(() => {
  place = approvalWorld();
  place.policy({ effect: 'approve', verbs: ['backup'], typedConfirmation: true, breakGlass: ['ana'] });
});
afterEach(() => place.remove());

const by = (person: string): Request => ({ by: { door: 'slack', person, channel: 'C1' }, requestKey: `by ${person}` });
const type = (person: string, text: string) => perform(place.world, text, by(person));
const formFor = async (person: string, text: string) => {
  const { command, args } = parseCommand(text);
  return (await command.form?.(place.world, args, by(person))) ?? null;
};
const auditOf = async (): Promise<string> => {
  const entries: string[] = [];
  for await (const { key } of place.store.list('audit/')) entries.push(String((await place.store.read(key))?.bytes));
  return entries.join('\n');
};

describe('a click on Approve', () => {
  it('opens a form for whoever may, and the form approves when the name was typed right', async () => {
    const { id } = await place.waitingRun();
    const form = await formFor('ben', `approve ${id}`);
    expect(form).toMatchObject({ callback_id: 'approve', private_metadata: id });
    const sent = { callbackId: 'approve', privateMetadata: id };
    await expect(takeForm(place.world, { ...sent, values: { confirm: 'test' } }, by('ben'))).rejects.toMatchObject({
      code: 'ApprovalNotConfirmed',
    });
    const reply = await takeForm(place.world, { ...sent, values: { confirm: 'prod' } }, by('ben'));
    expect(reply).toMatchObject({ headline: `${id} is approved by ben.`, lines: ['It goes on now.'] });
    expect(await takeForm(place.world, { ...sent, values: { confirm: 'prod' } }, by('ben'))).toMatchObject({
      lines: [],
    });
  });

  it('opens none for anybody else, who is refused by name, and the refusal is kept', async () => {
    const { id } = await place.waitingRun();
    for (const person of ['ana', 'zoe (slack)']) {
      expect(await formFor(person, `approve ${id}`)).toBeNull();
      await expect(type(person, `approve ${id}`)).rejects.toMatchObject({
        code: 'ApprovalNotYours',
        message: expect.stringContaining('who can: ben, cara, dan') as string,
      });
    }
    expect(await auditOf()).toMatch(/ApprovalNotYours/);
  });

  it('a form that was open while the run was decided decides nothing', async () => {
    const { id } = await place.waitingRun();
    await type('cara', `deny ${id} reason:"not now"`);
    const sent = { callbackId: 'approve', privateMetadata: id, values: { confirm: 'prod' } };
    await expect(takeForm(place.world, sent, by('ben'))).rejects.toMatchObject({ code: 'ApprovalDecided' });
  });
});

describe('a click on Deny', () => {
  it('asks for the reason, which the audit keeps whole', async () => {
    const { id } = await place.waitingRun();
    expect(await formFor('ben', `deny ${id}`)).toMatchObject({ callback_id: 'deny' });
    const reason = `because ${'x'.repeat(2900)} “yes”`;
    const reply = await takeForm(
      place.world,
      { callbackId: 'deny', privateMetadata: id, values: { reason } },
      by('ben'),
    );
    expect(reply).toMatchObject({ headline: `${id} is denied by ben.`, lines: ['It ends now.'] });
    expect(await auditOf()).toContain(reason);
  });
});

describe('typed', () => {
  it('says what is missing to a quorum', async () => {
    place.policy({ effect: 'approve', verbs: ['backup'], count: 2 });
    const { id } = await place.waitingRun();
    expect((await type('ben', `approve ${id}`)).headline).toBe(`Your approval of ${id} counts; 1 more needed.`);
    expect((await type('ben', `approve ${id}`)).headline).toMatch(/counts once; 1 more needed/);
  });

  it('breaks the glass, and closes it by somebody else', async () => {
    const { id } = await place.waitingRun();
    await type('ana', `approve ${id} --break-glass confirm:prod reason:"prod is down"`);
    await expect(type('ana', `approve ${id} reason:"all good"`)).rejects.toMatchObject({ code: 'ApprovalNotYours' });
    expect((await type('ben', `approve ${id} reason:"looked at it"`)).headline).toBe(
      `The break-glass of ${id} is closed by ben.`,
    );
    expect(await auditOf()).toMatch(/prod is down[\s\S]*looked at it/);
  });

  it('a cancelled run is woken, so that it ends', async () => {
    const { id } = await place.waitingRun();
    await type('ana', `cancel ${id}`);
    expect(place.woken).toEqual([`token of ${id}`]);
  });
});
