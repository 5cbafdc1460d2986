/** Hands of the crew, with threads and without: the same answers, the same failures. */
import { join } from 'node:path';
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Crew, openCrew } from '../../lib/archive/crew/crew.ts';
import { plant, scratchDirectory } from './scratch.ts';

describe.each([0, 2])('a crew for %d tasks', (mostTasks) => {
  const withCrew = async (work: (crew: Crew, directory: string) => Promise<void>): Promise<void> => {
    const crew = openCrew({ slotBytes: 8, mostTasks });
    try {
      await work(crew, scratchDirectory());
    } finally {
      await crew.close();
    }
  };

  test('answers jobs in the order in which they were asked for, also before the last is answered', () =>
    withCrew(async (crew, directory) => {
      const names = Array.from({ length: 5 }, (_, n) => `${n}.txt`);
      plant(directory, Object.fromEntries(names.map((name) => [name, name])));
      await crew.each(['all'], async (_task, ask) => {
        const answers = await Promise.all(names.map((name) => ask('hashFile', { path: join(directory, name) })));
        expect(answers).toEqual(names.map((name) => hash('sha256', name)));
      });
    }));

  test('a job that fails says which it was, with the code of the cause, and stops the rest', () =>
    withCrew(async (crew, directory) => {
      const failing = crew.each([1, 2, 3, 4, 5, 6], async (_task, ask) => {
        await ask('hashFile', { path: join(directory, 'not there') });
      });
      await expect(failing).rejects.toMatchObject({ code: 'ENOENT', message: expect.stringMatching(/^hashFile: /) });
      await expect(crew.settled()).rejects.toMatchObject({ code: 'ENOENT' });
    }));
});
