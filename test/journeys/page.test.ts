/** The product as people meet it on the sandbox's page: a command, a bad day, the keyboard, the settings. */
import { describe, expect, it } from 'vitest';
import { atThePage, browserPath } from './at-the-page.ts';

describe.skipIf(browserPath === undefined)('on the page', () => {
  const { place, page, type, card, form, press, answered } = atThePage();

  it('a command is typed, its run is watched to the end, and the archive is found, held and verified', async () => {
    await type('/octo backup now reason:"first look"');
    await page().getByText('Backup of prod started').waitFor();
    const run = card('first look');
    await run.getByText('Backup good').waitFor();
    expect(await run.textContent()).toMatch(/CHECKSUM, verified.*key opens \d+ of \d+.*Safe now: /s);
    expect(await run.getByRole('button', { name: 'Stop' }).count()).toBe(0);

    await type('/octo backup list');
    const id = /arc_\w+/.exec((await page().locator('.private', { hasText: 'arc_' }).last().textContent()) ?? '')?.[0];
    await type(`/octo backup hold ${id} reason:"the audit of March"`);
    await page().locator('.private', { hasText: 'is held' }).waitFor();
    await type('/octo backup verify latest');
    await page()
      .locator('.private', { hasText: /is whole|undamaged|verified/i })
      .last()
      .waitFor();
    await type('/octo audit');
    const audit = page().locator('.private', { hasText: 'backup hold' }).last();
    await audit.waitFor();
    expect(await audit.textContent()).toMatch(/ana/);
  });

  it('a fault is turned on in the panel, its failure shown, and turned off again', async () => {
    await press('Bad days');
    const fault = page().getByRole('switch', { name: 'sql-disk-full' });
    await page().getByLabel('Value of sql-disk-full').fill('40');
    await fault.click();
    await page().getByRole('switch', { name: 'sql-disk-full', checked: true }).waitFor();
    expect(await page().locator('#faults-count').textContent()).toBe('1');
    await press('octopus-ops');
    await type('/octo backup now reason:"a full disk"');
    const run = card('a full disk');
    await run.getByText('Backup failed').waitFor();
    expect(await run.textContent()).toMatch(/Safe now: .*Do next: .*DatabaseDiskFull/s);
    expect(await place().closedDoors()).toEqual([]);
    await press('Bad days');
    await fault.click();
    await page().getByRole('switch', { name: 'sql-disk-full', checked: false }).waitFor();
    await press('octopus-ops');
    const answers = page().locator('.private', { hasText: 'Backup of prod started' });
    const answersBefore = await answers.count();
    await press('Try again', run);
    const started = answers.nth(answersBefore);
    const id = /run_\w{8}/.exec((await started.textContent()) ?? '')?.[0];
    await page().locator('.message:not(.private)', { hasText: id! }).getByText('Backup good').waitFor();
  });

  it('by keyboard alone: a command, App Home, a switch, and a form that is filled in and left', async () => {
    const before = { ...place().octopus.faults };
    await page().keyboard.type('/oc');
    await page().keyboard.press('Tab');
    await page().keyboard.type('status');
    await page().keyboard.press('Enter');
    await page().locator('.private', { hasText: 'maintenance mode off' }).waitFor();
    const tabTo = async (name: string | RegExp, role: 'button' | 'switch' = 'button'): Promise<void> => {
      const wanted = page().getByRole(role, { name, exact: typeof name === 'string' });
      for (let tries = 0; tries < 60; tries++) {
        if ((await wanted.and(page().locator(':focus')).count()) > 0) return;
        await page().keyboard.press('Tab');
      }
      throw new Error(`the Tab key does not lead to ${String(name)}`);
    };
    await tabTo('octo');
    await page().keyboard.press('Enter');
    await page().getByRole('main', { name: 'App Home' }).getByText('Last runs').waitFor();
    await tabTo('Settings of prod');
    await page().keyboard.press('Enter');
    await form().getByLabel('Target age in hours').waitFor();
    await page().keyboard.press('Escape');
    await form().waitFor({ state: 'hidden' });
    await tabTo('Bad days');
    await page().keyboard.press('Enter');
    await tabTo('octopus-slow', 'switch');
    for (const isOn of [true, false]) {
      await page().keyboard.press('Space');
      await page().getByRole('switch', { name: 'octopus-slow', checked: isOn }).waitFor();
    }
    expect(place().octopus.faults).toEqual(before);
  });

  it('settings show what changes before they are changed', async () => {
    await type('/octo backup settings');
    await form().getByLabel('Target age in hours').fill('12');
    await press('See what changes', form());
    await form().getByText('1 change to the settings of prod').waitFor();
    expect(await form().textContent()).toMatch(/Target age in hours\s*8\s+→\s+12/);
    await press('Save', form());
    await answered('target from "8" to "12"');
  });
});
