/**
 * A person at the sandbox's page: a real browser, and the installation behind it. Only what is on the screen is read and used.
 * Where there is no browser, `browserPath` is undefined, and that is said once.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { faultBoard, type FaultBoard } from '../../sandbox/fault-board.ts';
import { type Installation, install } from './installation.ts';

const BROWSERS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];
export const browserPath = BROWSERS.map((name) => `/usr/bin/${name}`).find((path) => existsSync(path));
if (browserPath === undefined) {
  process.stderr.write(`SKIPPED: nobody used the page, none of ${BROWSERS.join(', ')} is in /usr/bin\n`);
}

const PATIENCE_MS = 50_000;

/** What a test of the page needs: opened before each test, and without a trouble in the browser's console after it. */
export const atThePage = () => {
  let place: Installation;
  let board: FaultBoard;
  let browser: Browser;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    place = await install();
    board = faultBoard(place);
    place.slack.api.offerFaults(board);
    browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser.close();
    await board.mend();
    await place.remove();
  });
  beforeEach(async () => {
    const context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    troubles = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()));
    await page.goto(place.slack.url);
    await page.getByLabel('ana').waitFor({ state: 'attached' });
    return () => context.close();
  });
  afterEach(() => {
    // oxlint-disable-next-line vitest/no-standalone-expect -- holds for every test of the page
    expect(troubles).toEqual([]);
  });

  const press = (name: string, within: Locator | Page = page) => within.getByRole('button', { name }).click();
  const form = (): Locator => page.getByRole('dialog');
  return {
    place: () => place,
    page: () => page,
    press,
    form,
    type: async (text: string): Promise<void> => {
      await page.getByLabel('Message', { exact: true }).fill(text);
      await page.keyboard.press('Enter');
    },
    become: async (name: string): Promise<void> => {
      await page.locator('#people label', { hasText: name }).click();
      await page.getByLabel(name).and(page.locator(':checked')).waitFor({ state: 'attached' });
    },
    /** The one message in the channel that is about the request with this reason. */
    card: (reason: string): Locator =>
      page.locator('#messages .message:not(.private)', { hasText: `"${reason}"` }).last(),
    /** Reads the answer that the form ends with, and closes it. */
    answered: async (words: string): Promise<void> => {
      await form().getByText(words).waitFor();
      await press('Close', form());
      await form().waitFor({ state: 'hidden' });
    },
  };
};
