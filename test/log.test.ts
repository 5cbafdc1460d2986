/** The log: one line of JSON per entry, with nothing in it that must not be seen. */
import { expect, it } from 'vitest';
import { OctoError } from '../lib/domain/errors.ts';
import { Secret } from '../lib/domain/secrets/secret.ts';
import { createLog } from '../lib/log.ts';

const written = (use: (log: ReturnType<typeof createLog>) => void) => {
  const lines: string[] = [];
  use(createLog({ write: (line) => lines.push(line), now: () => new Date('2026-03-04T02:00:00Z') }));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
};

it('gives run, step and code columns of their own', () => {
  expect(written((log) => log.info('began', { run: 'run_1', step: 'Work', code: 'Bug', files: 3 }))).toEqual({
    at: '2026-03-04T02:00:00.000Z',
    level: 'info',
    run: 'run_1',
    step: 'Work',
    code: 'Bug',
    message: 'began',
    facts: { files: 3 },
  });
});

it('keeps code, facts and causes of an error', () => {
  const cause = new OctoError('StoreUnavailable', 'no answer', { cause: new TypeError('a\nb'), facts: { tries: 3 } });
  const entry = written((log) => log.error('failed', { error: new OctoError('Cancelled', 'stopped', { cause }) }));
  expect(entry).toMatchObject({
    level: 'error',
    code: 'Cancelled',
    error: { cause: { code: 'StoreUnavailable', facts: { tries: 3 }, cause: { name: 'TypeError' } } },
  });
});

it('takes what is no error of ours for a mistake of ours', () => {
  expect(written((log) => log.warn('odd', { error: 'thrown text' }))).toMatchObject({
    code: 'Bug',
    error: { message: 'thrown text' },
  });
});

it('masks secrets wherever they stand', () => {
  const key = new Secret('hunter2');
  const entry = written((log) => log.info('kept', { key, nested: { keys: [key] }, text: String(key) }));
  expect(entry['facts']).toEqual({ key: '[secret]', nested: { keys: ['[secret]'] }, text: '[secret]' });
});
