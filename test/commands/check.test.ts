import { expect, it } from 'vitest';
import { commandsWorld } from './commands-world.ts';

it('check is bad news when a precondition fails', async () => {
  const reply = await commandsWorld().type('check');
  expect(reply).toMatchObject({ isBad: true, headline: expect.stringMatching(/^\d+ of \d+ preconditions FAIL/) });
});
