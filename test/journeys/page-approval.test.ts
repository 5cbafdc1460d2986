/** Approval as people meet it on the sandbox's page: put on in the settings, given, refused, withdrawn, broken, expired. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { atThePage, browserPath } from './at-the-page.ts';

describe.skipIf(browserPath === undefined)('behind approval, on the page', () => {
  const { place, page, type, become, card, form, press, answered } = atThePage();

  it('backup is put behind approval in the settings, the other person approves, and the schedule is paused', async () => {
    await type('/octo backup settings');
    await form().getByLabel('Backups asked for by people need approval').selectOption('on');
    await press('See what changes', form());
    await press('Save', form());
    await answered('approval from "off" to "on"');
    await type('/octo backup now reason:"by the settings"');
    const run = card('by the settings');
    await run.getByText('waits for approval').waitFor();
    await become('ben');
    await press('Approve', run);
    await form().getByLabel('Type prod to approve').fill('prod');
    await press('Approve', form());
    await answered('is approved by ben');
    await run.getByText('Backup good').waitFor();
    await type('/octo backup pause prod until tomorrow');
    await page().locator('.private', { hasText: 'The schedule of prod is paused until' }).waitFor();
    await type('/octo audit');
    const audit = page().locator('.private', { hasText: 'backup pause done' }).last();
    await audit.waitFor();
    expect(await audit.textContent()).toMatch(/ben \(slack\) +approve done.*ana \(slack\) +backup settings done/s);
  });

  /** The administrator writes another policy and starts the bot again. */
  const configure = async (statement: object): Promise<void> => {
    await place().kill();
    const config = parse(readFileSync(place().configFile, 'utf8')) as Record<string, unknown>;
    writeFileSync(place().configFile, stringify({ ...config, approval: [statement] }));
    await place().start();
  };

  it('the requester is refused, the other person approves, and the run goes on', async () => {
    await configure({ effect: 'approve', verbs: ['backup'], instances: ['prod'], expiryMinutes: 240 });
    await type('/octo backup now reason:"two of us"');
    const run = card('two of us');
    await press('Approve', run);
    await form()
      .getByText(/own request; who can: ben/)
      .waitFor();
    await page().keyboard.press('Escape');
    await become('ben');
    await press('Approve', run);
    await form().getByLabel('Type prod to approve').fill('rpod');
    await press('Approve', form());
    await form()
      .getByText(/not "rpod"/)
      .waitFor();
    expect(await form().getByLabel('Type prod to approve').inputValue()).toBe('rpod');
    await form().getByLabel('Type prod to approve').fill('prod');
    await press('Approve', form());
    await answered('is approved by ben');
    await run.getByText('Backup good').waitFor();
    expect(await run.textContent()).toContain('approved by ben');
  });

  it('the requester withdraws; nobody else can', async () => {
    await type('/octo backup now reason:"a second thought"');
    const run = card('a second thought');
    await run.getByRole('button', { name: 'Withdraw' }).waitFor();
    await become('ben');
    await press('Withdraw', run);
    await press('Withdraw', form());
    await page().locator('.private', { hasText: 'Only ana, who asked for' }).waitFor();
    await become('ana');
    await press('Withdraw', run);
    await press('Withdraw', form());
    await run.getByText('Cancelled').waitFor();
    expect(await run.getByRole('button', { name: 'Approve' }).count()).toBe(0);
  });

  it('a break-glass calls the channel, and stays open until somebody else has looked at it', async () => {
    await configure({ effect: 'approve', verbs: ['backup'], count: 2, breakGlass: ['cara'] });
    await type('/octo backup now reason:"nobody is up"');
    const run = card('nobody is up');
    await run.getByRole('button', { name: 'Approve' }).waitFor();
    const id = /run_\w{8}/.exec((await run.textContent()) ?? '')?.[0];
    await become('cara');
    await type(`/octo approve ${id} --break-glass confirm:prod reason:"production is down"`);
    const call = page().locator('.message:not(.private)', { hasText: 'let the backup of prod through alone' });
    await call.getByText('@channel').waitFor();
    expect(await call.textContent()).toContain('"production is down"');
    await become('ben');
    await press('I have looked at it', call);
    await form().getByLabel('What did you find?').fill('it was needed');
    await press('Close it', form());
    await answered(`The break-glass of ${id} is closed by ben.`);
    await call.getByText('Break-glass, closed').waitFor();
    expect(await call.textContent()).toContain('Looked at by ben');
    expect(await call.getByRole('button', { name: 'I have looked at it' }).count()).toBe(0);
    await run.getByText('Backup good').waitFor();
  });

  it('a request that nobody decides expires, and its buttons go', async () => {
    await configure({ effect: 'approve', verbs: ['backup'], expiryMinutes: 1, remindMinutes: [] });
    await type('/octo backup now reason:"nobody is there"');
    const run = card('nobody is there');
    await run.getByText('Backup refused').waitFor();
    expect(await run.textContent()).toContain('ApprovalExpired');
    expect(await run.getByRole('button', { name: 'Approve' }).count()).toBe(0);
  });
});
