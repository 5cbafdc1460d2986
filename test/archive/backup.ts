/** Makes whole archives of planted folders and dumps, through the real steps, for tests that read them back. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupFileName } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { ServerFolder } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeSection } from '../../lib/repository/sections.ts';
import { step as packFolders } from '../../lib/steps/pack-folders.ts';
import { step as sealArchive } from '../../lib/steps/seal-archive.ts';
import type { Step } from '../../lib/steps/step.ts';
import { step as storeDatabase } from '../../lib/steps/store-database.ts';
import { contextOf, otherSections } from './fixtures.ts';
import { scratchWorld } from './scratch.ts';

export type ScratchWorld = ReturnType<typeof scratchWorld>;

/** A world whose instance `prod` has its folders and its share below `directory`. */
export const serverWorld = (directory: string, scratch: ScratchWorld = scratchWorld(directory)): World => {
  const folders: ServerFolder[] = [
    { role: 'packages', path: join(directory, 'server/Packages') },
    { role: 'task-logs', path: join(directory, 'server/TaskLogs') },
  ];
  const share = join(directory, 'share');
  for (const path of [...folders.map(({ path }) => path), share]) mkdirSync(path, { recursive: true });
  const instance = {
    name: 'prod',
    isProduction: true,
    hosts: [{ name: 'prod-1', url: 'http://localhost', program: { path: 'Octopus.Server', instanceName: 'Default' } }],
    database: { name: 'Octopus', share: { sqlServerPath: share, workerPath: share } },
    extraFolders: [],
  };
  return {
    ...scratch,
    instance: () => instance,
    octopusApi: async () => ({ serverFolders: async () => folders }),
  } as unknown as World;
};

export const perform = (step: Step, world: World, { run, input }: { run: RunRecord; input: object }) =>
  step.perform(world, { instance: 'prod', ...input }, contextOf(run));

/** Leaves the sections of the steps that are not the archive's. */
export const writeOtherSections = async (world: World, run: RunRecord, fileBytes: number): Promise<void> => {
  const at = { instance: 'prod', archiveId: run.archiveId! };
  const others = otherSections(fileBytes);
  for (const name of Object.keys(others) as (keyof typeof others)[]) {
    await writeSection(world, at, { name, section: others[name] });
  }
};

/** A whole backup of what lies on the server now, with `dump` as the database's. */
export const backUp = async (world: World, run: RunRecord, dump: Uint8Array) => {
  await perform(packFolders, world, { run, input: { pass: 'first' } });
  await perform(packFolders, world, { run, input: { pass: 'second' } });
  await writeOtherSections(world, run, dump.length);
  const { workerPath } = world.instance('prod').database.share;
  writeFileSync(join(workerPath, backupFileName('prod', run.id)), dump);
  await perform(storeDatabase, world, { run, input: {} });
  await perform(sealArchive, world, { run, input: { gaps: [], tolerance: { sizePercent: 1e9, filePercent: 1e9 } } });
  return { instance: 'prod', archiveId: run.archiveId! };
};
