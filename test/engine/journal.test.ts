/** What the journal keeps after a crash, and what it calls damage. */
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../lib/engine/history.ts';
import { createJournal, openJournal, readJournal } from '../../lib/engine/journal.ts';
import { temporaryDirectory } from './harness.ts';

const event = (id: number): JournalEvent => ({
  id,
  previousEventId: id - 1,
  timestamp: '2026-03-04T02:00:00.000Z',
  type: 'PassStateEntered',
  details: { name: 'Überprüfung\u2028\n', input: '{"a":"\\"}' },
  path: [],
});

const journalOf = async (...transitions: number[][]): Promise<string> => {
  const path = join(await temporaryDirectory(), 'run.jsonl');
  const [first = [], ...rest] = transitions;
  const journal = await createJournal(path, first.map(event));
  for (const ids of rest) await journal.append(ids.map(event));
  await journal.close();
  return path;
};

test('reads back what was appended, a line a transition', async () => {
  const path = await journalOf([1, 2], [3], [4, 5, 6]);
  expect((await readJournal(path)).events).toEqual([1, 2, 3, 4, 5, 6].map(event));
  expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(3);
});

test.each([
  ['half a line', '{"crc":"12'],
  ['zeros', '\0'.repeat(4096)],
])('cuts off %s at the end, and goes on there', async (_case, torn) => {
  const path = await journalOf([1], [2]);
  const { size } = await stat(path);
  await appendFile(path, torn);
  expect(await readJournal(path)).toMatchObject({ sizeBytes: size, events: [{ id: 1 }, { id: 2 }] });
  const { journal, events } = await openJournal(path);
  expect(events).toHaveLength(2);
  await journal.append([event(3)]);
  await journal.close();
  expect((await readJournal(path)).events.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test('never overwrites the journal of another run', async () => {
  const path = await journalOf([1]);
  await expect(createJournal(path, [event(1)])).rejects.toMatchObject({ code: 'JournalUnwritable' });
  expect((await readJournal(path)).events).toHaveLength(1);
});

const damages: [string, (lines: string[]) => string[], number][] = [
  ['a changed byte', ([a = '', b = '', c = '']) => [a, b.replace('02:00', '03:00'), c], 2],
  ['a line that is missing', ([a = '', , c = '']) => [a, c], 2],
  ['a line that is there twice', ([a = '', b = '', c = '']) => [a, b, b, c], 3],
  ['an empty line', ([a = '', b = '', c = '']) => [a, b, '', c], 3],
  ['a line torn in the middle', ([a = '', b = '', c = '']) => [a.slice(0, 40), b, c], 1],
  ['a whole last line that does not fit', ([a = '', b = '', c = '']) => [a, b, c.replace('Pass', 'Task')], 3],
];

test.each(damages)('%s is damage, named by file and line', async (_case, damage, line) => {
  const path = await journalOf([1], [2], [3]);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  await writeFile(path, `${damage(lines).join('\n')}\n`);
  const refused = {
    code: 'JournalDamaged',
    message: `the journal ${path} is damaged in line ${line}`,
    facts: { path, line },
  };
  await expect(readJournal(path)).rejects.toMatchObject(refused);
  await expect(openJournal(path)).rejects.toMatchObject(refused);
});
