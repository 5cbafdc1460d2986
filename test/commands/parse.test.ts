/** What people type, on phones too: typographic marks, options anywhere, wrong words. No text crashes it or starts something unintended. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commands } from '../../lib/commands/index.ts';
import { parse, usage } from '../../lib/commands/grammar/parse.ts';
import { isOctoError } from '../../lib/domain/errors.ts';
import type { World } from '../../lib/ports/world.ts';

const parsed = (text: string) => {
  const { command, args } = parse(text, commands);
  return { words: command.words.join(' '), ...args };
};

const refusal = (text: string) => {
  try {
    parse(text, commands);
  } catch (error) {
    if (isOctoError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return null;
};

describe('parse', () => {
  it('takes options in any order and with phone typography', () => {
    const expected = {
      words: 'backup now',
      positionals: { instance: 'prod' },
      options: { reason: 'before the upgrade', consistency: 'online' },
    };
    expect(parsed('backup now prod reason:"before the upgrade" consistency:online')).toEqual(expected);
    expect(parsed('Backup NOW consistency:online reason:“before the upgrade” prod')).toEqual(expected);
    expect(parsed('backup now —consistency=online prod –reason:"before the upgrade"')).toEqual(expected);
  });

  it('takes mentions of people, groups and channels as their ids', () => {
    expect(
      parsed('backup now prod reason:"for <@U012AB|ana> and <!subteam^S01|@ops> in <#C0|general>, see <#C1>"'),
    ).toMatchObject({ options: { reason: 'for U012AB and S01 in C0, see C1' } });
    expect(parsed('backup now <#C0123|prod>').positionals).toEqual({ instance: 'C0123' });
  });

  it('takes flags bare, wherever they stand', () => {
    for (const text of ['backup now --plan prod', 'backup now prod —plan']) {
      expect(parsed(text)).toMatchObject({ positionals: { instance: 'prod' }, options: { plan: '' } });
    }
    expect(parsed('run run_7F3K9Q2M --history').options).toEqual({ history: '' });
  });

  it('names the nearest command and one right example, and starts nothing', () => {
    expect(refusal('bakup nwo prod')).toEqual({
      code: 'CommandUnknown',
      message: expect.stringMatching(/"bakup nwo prod".*nearest is "backup now", e\.g\. \/octo backup now prod/),
    });
  });

  it.each([
    ['delete latest', 'backup delete'],
    ['pause', 'backup pause'],
    ['statsu', 'status'],
    ['aproove run_7F3K9Q2M', 'approve'],
  ])('%s is nearest to %s', (text, nearest) => {
    expect(refusal(text)).toMatchObject({ message: expect.stringContaining(`nearest is "${nearest}"`) });
  });

  it.each([
    ['bakup', 'backup now'],
    ['bakup nwo', 'backup now'],
    ['Backup Hold', 'backup hold'],
  ])('help for %s tells about %s', async (text, meant) => {
    const { command, args } = parse(`help ${text}`, commands);
    const by = { door: 'terminal' as const, person: 'ana', channel: null };
    const { lines } = await command.perform({} as World, args, { by, requestKey: 'help' });
    expect(lines[0]).toContain(`/octo ${meant}`);
  });

  it('takes since as a word and as an option', () => {
    expect(parsed('audit since yesterday').positionals).toEqual({ when: 'yesterday' });
    expect(parsed('audit since:yesterday').options).toEqual({ since: 'yesterday' });
    expect(refusal('audit yesterday')).toMatchObject({ code: 'ArgumentInvalid' });
  });

  it.each([
    ['backup now prod test', /"test" is one word too many/],
    ['backup show', /<archive> is missing/],
    ['backup now consistency:maybe', /consistency is one of quiesced, online, not "maybe"/],
    ['backup now speed:fast', /no option "speed"/],
    ['backup now --plan:yes', /--plan takes no value/],
    ['backup now --reason', /reason needs a value, as in reason:…/],
    ['backup now --plans', /no option "plans"/],
  ])('%s is refused with its usage', (text, message) => {
    expect(refusal(text)).toEqual({ code: 'ArgumentInvalid', message: expect.stringMatching(message) });
  });

  it('understands every example it shows', () => {
    for (const command of commands) {
      expect(parse(command.example.replace('/octo ', ''), commands).command.words).toEqual(command.words);
    }
  });

  it('accepts what its usage says', () => {
    for (const command of commands) {
      const text = usage(command)
        .replaceAll(/[[\]<>]/g, '')
        .replaceAll(/(\w+):([^ |]*)\S*/g, '$1:$2');
      expect(parse(text, commands).command.words).toEqual(command.words);
    }
  });

  it('never crashes, and never reads a request into something else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const words = refusal(text) === null ? parse(text, commands).command.words : [];
        expect(words.every((word) => text.toLowerCase().includes(word))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
