/** Values of expressions, Step Functions' own functions, and what counts as no value. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../lib/engine/expressions.ts';

const moment = {
  at: new Date('2026-03-04T02:00:00Z'),
  random: () => 0.25,
  uuid: () => '00000000-0000-4000-8000-000000000000',
};
const scope = {
  states: {
    input: {
      n: 3,
      items: [
        { k: 'a', n: 1 },
        { k: 'b', n: 2 },
      ],
      nothing: null,
    },
  },
  variables: { name: 'ana' },
};
const value = (template: unknown) => evaluate(template, { scope, moment, location: 'Output' });

describe('templates', () => {
  test('compute strings that are wholly an expression, wherever they stand', async () => {
    const template = {
      a: ['{% $name %}', { b: '{% $states.input.n + 1 %}' }],
      c: 'plain $name',
      d: null,
      e: ' {% 1 %} ',
    };
    expect(await value(template)).toEqual({ a: ['ana', { b: 4 }], c: 'plain $name', d: null, e: ' {% 1 %} ' });
  });

  test('give plain JSON: an array has no hidden marks', async () => {
    const items = (await value('{% $states.input.items.k %}')) as object;
    expect(Object.getOwnPropertyNames(items)).toEqual(['0', '1', 'length']);
    expect(await value('{% $states.input.items[n = 1] %}')).toEqual({ k: 'a', n: 1 });
    expect(await value('{% $states.input.items[n = 1][] %}')).toEqual([{ k: 'a', n: 1 }]);
  });

  test('may be null, but never nothing', async () => {
    expect(await value('{% $states.input.nothing %}')).toBeNull();
    await expect(value({ deep: ['{% $states.input.missing %}'] })).rejects.toMatchObject({
      failure: { error: 'States.QueryEvaluationError', location: 'Output/deep[0]' },
    });
  });

  test.each([
    '$states.input',
    '$states.input.n',
    '$states.input.nothing',
    '$states.input.nothing.more',
    '$states.input.items',
    '$states.input.items.k',
    '$states.input.missing',
    '$states.input.n.more',
    '$states.input.true',
    '$name',
    '$name.length',
    '$states.constructor',
    '$millis',
    '$unknown',
  ])('mean the same when they are looked up as when JSONata computes them: %s', async (path) => {
    const outcome = (template: string) => value(template).catch(() => 'failed');
    expect(await outcome(`{% ${path} %}`)).toEqual(await outcome(`{% (${path}) %}`));
  });

  test.each([
    '{% function($x) { $x } %}',
    '{% 1 + "a" %}',
    '{% $error("no") %}',
    '{% $parse("{") %}',
    '{% $number("x") %}',
  ])('fail on %s', async (template) => {
    await expect(value(template)).rejects.toMatchObject({ failure: { error: 'States.QueryEvaluationError' } });
  });
});

describe('functions of Step Functions', () => {
  test.each([
    ['{% $partition([1,2,3,4,5], 2) %}', [[1, 2], [3, 4], [5]]],
    ['{% $range(0, 10, 5) %}', [0, 5, 10]],
    ['{% $range(3, 1, -1) %}', [3, 2, 1]],
    ['{% $hash("abc", "SHA-1") %}', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['{% $hash("abc", "MD5") %}', '900150983cd24fb0d6963f7d28e17f72'],
    ['{% $parse("{\\"a\\":[1]}").a %}', [1]],
    ['{% $uuid() %}', '00000000-0000-4000-8000-000000000000'],
    ['{% $random() %}', 0.25],
    ['{% $random(7) = $random(7) and $random(7) < 1 and $random(7) != $random(8) %}', true],
    ['{% $millis() %}', moment.at.getTime()],
    ['{% $now() %}', '2026-03-04T02:00:00.000Z'],
    ['{% $now("[Y]-[M01]") %}', '2026-03'],
  ])('%s', async (template, expected) => {
    expect(await value(template)).toEqual(expected);
  });
});
