/** A request that is delivered twice is carried out by one call, which may be repeated. */
import { expect, test } from 'vitest';
import { claimRequest } from '../../lib/repository/request-claims.ts';
import { makeWorld } from '../worker/support.ts';

test('the first call gets it, again and again; every other one does not', async () => {
  const world = makeWorld();
  const claim = (call: string, requestKey = 'command:T1:1.2.3') => claimRequest(world, { requestKey, call });
  const calls = ['a', 'b', 'c', 'd'];
  const first = await Promise.all(calls.map((call) => claim(call)));
  expect(first.filter(Boolean)).toHaveLength(1);
  expect(await Promise.all(calls.map((call) => claim(call)))).toEqual(first);
  expect(await claim('e')).toBe(false);
  expect(await claim('e', 'command:T1:1.2.4')).toBe(true);
});
