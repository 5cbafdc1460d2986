import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { appearedSince } from '../../../lib/archive/swap/appeared.ts';
import { planPlaces } from '../../../lib/archive/restore/plan-places.ts';
import { dropAsideFolders, foldersBack, swapFolders } from '../../../lib/archive/swap/swap-folders.ts';
import type { FolderJournal } from '../../../lib/domain/restores/folders.ts';
import { changeJournal, readJournal } from '../../../lib/repository/restore-journal.ts';
import { plant, scratchDirectory } from '../scratch.ts';
import { treeOf } from '../trees.ts';
import { RUN } from './names.ts';

const OLD = { 'a.zip': 'old a', 'below/b.txt': 'old b', 'only old.txt': 'x', 'below/deep/c.txt': 'c' };
const NEW = { 'a.zip': 'new a', 'below/b.txt': 'new b', 'only new.txt': 'y' };

/** One place of each way, with content staged, and one whose target is not there. */
const stagedPlaces = () => {
  const directory = scratchDirectory();
  const at = (name: string) => join(directory, 'server', name);
  plant(at('Packages'), OLD);
  plant(at('TaskLogs'), OLD);
  const targets = ['Packages', 'TaskLogs', 'Artifacts'].map((name) => ({ name: name.toLowerCase(), path: at(name) }));
  const places = planPlaces(targets, RUN).map((place): FolderJournal => {
    const inside = { beside: join(place.target, `.octo-${RUN}/new`), aside: join(place.target, `.octo-${RUN}/old`) };
    const planned: FolderJournal = place.name === 'tasklogs' ? { ...place, way: 'inside', ...inside } : place;
    plant(planned.beside, NEW);
    return { ...planned, phase: 'staged' };
  });
  /** What is in the server's folders, without what a restore has put beside and into them. */
  const contents = () => {
    const all = Object.entries(treeOf(join(directory, 'server')));
    return Object.fromEntries(all.filter(([path]) => !path.includes('.octo-')));
  };
  const without = contents();
  const hostDirectory = join(directory, 'host');
  return { directory, at, places, contents, before: without, hostDirectory };
};

const newContents = () => {
  const { at, directory, contents } = stagedPlaces();
  for (const name of ['Packages', 'TaskLogs']) rmSync(at(name), { recursive: true });
  for (const name of ['Packages', 'TaskLogs', 'Artifacts']) plant(at(name), NEW);
  expect(existsSync(directory)).toBe(true);
  return contents();
};

const note = async (): Promise<void> => undefined;

test('the archive’s content takes the place of the server’s, and gives it back', async () => {
  const { places, contents, before, at } = stagedPlaces();
  const swapped = await swapFolders(places, { note });
  expect(contents()).toEqual(newContents());
  expect(swapped.map(({ phase }) => phase)).toEqual(['swapped', 'swapped', 'swapped']);
  const returned = await foldersBack(swapped, { note });
  expect(contents()).toEqual(before);
  await dropAsideFolders(returned);
  expect(readdirSync(at('.')).toSorted()).toEqual(['Packages', 'TaskLogs']);
  expect(readdirSync(at('TaskLogs')).toSorted()).toEqual(['a.zip', 'below', 'only old.txt']);
});

test('what was kept aside goes when the restore is kept, and nothing else', async () => {
  const { places, contents, at } = stagedPlaces();
  await dropAsideFolders(await swapFolders(places, { note }));
  expect(contents()).toEqual(newContents());
  expect(readdirSync(at('.')).toSorted()).toEqual(['Artifacts', 'Packages', 'TaskLogs']);
  expect(existsSync(at(`TaskLogs/.octo-${RUN}`))).toBe(false);
});

test('between the two contents nothing is removed', async () => {
  const { places, before, contents } = stagedPlaces();
  const halfway = places.map((place): FolderJournal => ({ ...place, phase: 'filling' }));
  await expect(dropAsideFolders(halfway)).rejects.toMatchObject({ code: 'Bug' });
  expect(contents()).toEqual(before);
});

const begin = async (hostDirectory: string, places: FolderJournal[]): Promise<void> => {
  const folders = { places, summary: null };
  await changeJournal({ hostDirectory }, RUN, (journal) => ({ ...journal, folders }));
};
const placesIn = async (hostDirectory: string) => (await readJournal({ hostDirectory }, RUN))!.folders!.places;

/** Runs the child; was it killed? */
const isKilled = (hostDirectory: string, way: 'there' | 'back', moment: number): boolean => {
  const child = new URL('swap-child.ts', import.meta.url).pathname;
  const { signal, status, stderr } = spawnSync(process.execPath, [child, hostDirectory, way, String(moment)]);
  if (signal === null && status !== 0) throw new Error(String(stderr));
  return signal === 'SIGKILL';
};

/** Enough for every moment of two places, so that the last one is not killed. */
const MOST_MOMENTS = 40;

/** The two places whose targets are there. */
const twoPlaces = async () => {
  const server = stagedPlaces();
  const places = server.places.filter(({ wasThere }) => wasThere);
  await begin(server.hostDirectory, places);
  return { ...server, write: (all: FolderJournal[]): Promise<void> => begin(server.hostDirectory, all) };
};

test('a swap that is killed at any moment is finished by whoever comes next', async () => {
  for (let moment = 0, wasKilled = true; wasKilled; moment++) {
    expect(moment).toBeLessThan(MOST_MOMENTS);
    const { hostDirectory, write, at } = await twoPlaces();
    wasKilled = isKilled(hostDirectory, 'there', moment);
    await swapFolders(await placesIn(hostDirectory), { note: write });
    for (const name of ['Packages', 'TaskLogs']) expect(readdirSync(at(name))).toContain('only new.txt');
    for (const { aside } of await placesIn(hostDirectory)) expect(readdirSync(aside)).toContain('only old.txt');
  }
}, 120_000);

test('a swap that is stopped at any moment is taken back', async () => {
  for (let last = 0, wasStopped = true; wasStopped; last++) {
    const { places, hostDirectory, contents, before, write } = await twoPlaces();
    let moment = 0;
    const mayStop = async (): Promise<void> => {
      if (moment++ === last) throw new Error('stopped');
    };
    const note = async (all: FolderJournal[]): Promise<void> => {
      await mayStop();
      await write(all);
      await mayStop();
    };
    wasStopped = await swapFolders(places, { note, beat: mayStop }).then(
      () => false,
      () => true,
    );
    await foldersBack(await placesIn(hostDirectory), { note: write });
    expect(contents()).toEqual(before);
  }
});

test('a return that is killed at any moment is finished by whoever comes next', async () => {
  for (let moment = 0, wasKilled = true; wasKilled; moment++) {
    expect(moment).toBeLessThan(MOST_MOMENTS);
    const { hostDirectory, places, contents, before, write } = await twoPlaces();
    await swapFolders(places, { note: write });
    wasKilled = isKilled(hostDirectory, 'back', moment);
    await foldersBack(await placesIn(hostDirectory), { note: write });
    expect(contents()).toEqual(before);
  }
}, 120_000);

test('a server that made its folder anew in between is in nobody’s way, as long as it is empty', async () => {
  const { places, contents, at } = stagedPlaces();
  const [first] = places;
  const stop = new Error('stopped after the first rename');
  let notes = 0;
  let noted = places;
  const stopping = async (all: FolderJournal[]): Promise<void> => {
    noted = all;
    if (++notes === 2) throw stop;
  };
  await expect(swapFolders(places, { note: stopping })).rejects.toThrow(stop);
  expect(existsSync(first!.target)).toBe(false);
  mkdirSync(at('Packages'));
  await swapFolders(noted, { note });
  expect(contents()).toEqual(newContents());
});

test('something else at the target is never overwritten', async () => {
  const { places, at } = stagedPlaces();
  const halfway = places.map((place): FolderJournal => ({ ...place, phase: 'filling' }));
  await expect(swapFolders(halfway, { note })).rejects.toMatchObject({ code: 'FolderInTheWay' });
  expect(Object.keys(treeOf(at('Packages')))).toContain('only old.txt');
});

test('a staged folder that is gone is named before anything is renamed', async () => {
  const { places, before, contents } = stagedPlaces();
  rmSync(places[1]!.beside, { recursive: true });
  await expect(swapFolders(places, { note })).rejects.toMatchObject({ code: 'FolderLost' });
  expect(contents()).toEqual(before);
});

test('the way back needs the server’s own content only', async () => {
  const { places, before, contents } = stagedPlaces();
  const swapped = await swapFolders(places, { note });
  rmSync(places[0]!.target, { recursive: true });
  await foldersBack(swapped, { note });
  expect(contents()).toEqual(before);
});

test('a target that is a link is exchanged where it leads', async () => {
  const { directory, at } = stagedPlaces();
  plant(join(directory, 'nas'), OLD);
  symlinkSync(join(directory, 'nas'), at('Shared'));
  const [place] = planPlaces([{ name: 'packages', path: at('Shared') }], RUN);
  plant(place!.beside, NEW);
  await swapFolders([{ ...place!, phase: 'staged' }], { note });
  expect(Object.keys(treeOf(join(directory, 'nas')))).toContain('only new.txt');
});

test('files that came after the staging began are named', async () => {
  const { places, at } = stagedPlaces();
  const began = places.map((place) => ({ ...place, beganAtMs: Date.now() - 60_000 }));
  for (const name of ['Packages/late.zip', 'TaskLogs/below/late.txt']) writeFileSync(at(name), 'late');
  const { count, named } = await appearedSince(await swapFolders(began, { note }));
  expect(named).toEqual(expect.arrayContaining(['packages/late.zip', 'tasklogs/below/late.txt']));
  expect(count).toBe(named.length);
});
