/**
 * One act of the archive in a process of its own, so that start-up and memory count:
 * `node archive-child.ts backup|unchanged|verify|restore|single DIRECTORY RUN [PATH] [TO]`. Prints what it asked of the store.
 */
import { join } from 'node:path';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { extractAll, extractFile } from '../../lib/archive/extract.ts';
import { packFolders } from '../../lib/archive/pack-folders.ts';
import { storeDump } from '../../lib/archive/store-dump.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeSection } from '../../lib/repository/sections.ts';
import { contextOf, otherSections, runOf } from '../archive/fixtures.ts';

const [act, directory, run, path, to] = process.argv.slice(2) as [string, string, string, string, string];
let requests = 0;
const counted = <K extends 'read' | 'head' | 'create' | 'list'>(store: ObjectStore, name: K): ObjectStore[K] =>
  ((...args: never[]) => {
    requests++;
    return (store[name] as (...args: never[]) => unknown)(...args);
  }) as ObjectStore[K];
const store = directoryObjectStore({ directory: join(directory, 'store') });
const world = {
  archives: {
    ...store,
    read: counted(store, 'read'),
    head: counted(store, 'head'),
    create: counted(store, 'create'),
    list: counted(store, 'list'),
  },
  clock: systemClock,
  hostDirectory: join(directory, 'host'),
};
const record = runOf(Number(run));
const at = { instance: 'prod', archiveId: record.archiveId! };
const places = ['Packages', 'Artifacts', 'TaskLogs'].map((name) => ({ name, path: join(directory, 'live', name) }));
const TOLERANCE = { sizePercent: 1e9, filePercent: 1e9 };

const passes = async () => {
  const request = { instance: 'prod', runId: record.id, places };
  await packFolders(world, { ...request, pass: 'first' });
  return packFolders(world, { ...request, pass: 'second' });
};

const backUp = async (): Promise<void> => {
  const { readCount: _read, problems, ...folders } = await passes();
  await writeSection(world, at, {
    name: 'folders',
    section: { ...folders, problems: [], problemCount: problems.length },
  });
  const dump = await storeDump(world, {
    instance: 'prod',
    runId: record.id,
    path: join(directory, 'dump/OctopusDeploy.bak'),
  });
  await writeSection(world, at, { name: 'database', section: dump });
};

const seal = async (): Promise<void> => {
  const sections = otherSections(0);
  for (const name of Object.keys(sections) as (keyof typeof sections)[]) {
    await writeSection(world, at, { name, section: sections[name] });
  }
  const input = { instance: 'prod', gaps: [], tolerance: TOLERANCE };
  const { step: sealArchive } = await import('../../lib/steps/seal-archive.ts');
  await sealArchive.perform(world as unknown as World, input, contextOf(record));
};

if (act === 'backup') await backUp();
else if (act === 'seal') await seal();
else if (act === 'unchanged') await passes();
else if (act === 'verify') {
  const { damaged } = await verifyArchive(world, at);
  if (damaged.length > 0) throw new Error(JSON.stringify(damaged));
} else if (act === 'restore') await extractAll(world, at, { target: path });
else await extractFile(world, at, { path, to });
process.stdout.write(`${JSON.stringify({ requests })}\n`);
