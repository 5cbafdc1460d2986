/** Settings: made once, with a salt that everybody agrees on from then on. */
import { expect, it } from 'vitest';
import { readSettings } from '../../lib/repository/settings.ts';
import { makeWorld } from '../worker/support.ts';

it('gives all who ask first at once the same settings', async () => {
  const world = makeWorld();
  const answers = await Promise.all(Array.from({ length: 8 }, () => readSettings(world, 'prod')));
  expect(new Set(answers.map(({ salt }) => salt)).size).toBe(1);
  expect(await readSettings(world, 'prod')).toEqual(answers[0]);
  expect((await readSettings(world, 'test')).salt).not.toBe(answers[0]?.salt);
});
