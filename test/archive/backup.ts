/** Makes whole archives of planted folders and dumps, through the real steps, for tests that read them back. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Section, SectionName } from '../../lib/domain/archive.ts';
import { archiveIdOf, backupFileName, runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/run.ts';
import type { ServerFolder } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeSection } from '../../lib/repository/sections.ts';
import { step as packFolders } from '../../lib/steps/pack-folders.ts';
import { step as sealArchive } from '../../lib/steps/seal-archive.ts';
import type { Step, StepContext } from '../../lib/steps/step.ts';
import { step as storeDatabase } from '../../lib/steps/store-database.ts';
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

/** The run of the n-th backup: a minute after the one before. */
export const runOf = (n: number): RunRecord => {
  const requestedAt = new Date(Date.now() - 3_600_000 + n * 60_000).toISOString();
  const id = runIdOf(`test ${n}`);
  return {
    id,
    workflow: 'backup',
    instance: 'prod',
    requestedAt,
    requestedBy: { door: 'terminal', person: 'ana', channel: null },
    reason: null,
    options: {},
    archiveId: archiveIdOf({ id, requestedAt }),
    status: 'running',
    endedAt: null,
    outcome: null,
  };
};

export const contextOf = (run: RunRecord, signal = new AbortController().signal): StepContext => ({
  run,
  state: 'Test',
  attempt: 0,
  signal,
  beat: async () => undefined,
});

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

const otherSections = (fileBytes: number) =>
  ({
    source: {
      octopusVersion: '2024.4.7106',
      installationId: 'b3d0',
      isInMaintenance: false,
      nodes: [{ name: 'prod-1', version: '2024.4.7106', isDraining: false }],
      certificateThumbprint: 'AB12',
    },
    keys: { salt: 'aa', masterKeyFingerprint: '0123456789abcdef', masterKeyBits: 256, licenseFingerprint: null },
    dump: {
      database: 'Octopus',
      backupSetName: 'octo',
      consistency: 'quiesced',
      startedAt: '2026-03-04T02:00:00.000Z',
      finishedAt: '2026-03-04T02:05:00.000Z',
      sqlServer: { version: '16.0.4135.4', edition: 'Standard Edition', collation: 'Latin1_General_CI_AS' },
      collation: 'Latin1_General_CI_AS',
      familyGuid: '11111111-2222-3333-4444-555555555555',
      fileBytes,
      isVerified: true,
      counts: { Project: 3 },
      schema: { scriptCount: 500, lastScript: 'Script0500', lastVersion: '2024.4.7106' },
    },
    samples: { sensitiveDocumentCount: 0, values: [] },
    proof: { opened: 12, sampled: 12, gap: null },
    references: { packagesListed: 0, packagesMissing: 0, artifactsListed: 0, artifactsMissing: 0, missing: [] },
  }) satisfies { [N in Exclude<SectionName, 'folders' | 'database'>]: Section<N> };
