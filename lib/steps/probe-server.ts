/**
 * Does the restored server show what the archive holds? Counts against the restored copy, and a sample of packages, artifacts
 * and task logs through its own API. Nothing was given to people yet: what is wrong here takes all of it back.
 *
 * The copy was compared with the manifest before it was swapped in, where an archive that was taken online may differ by the
 * rows that people wrote meanwhile; so its own counts are what must still be there. A server that starts writes a few tables
 * of its own at once: only what people made is compared.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import type { OctopusDatabase } from '../ports/octopus-database.ts';
import type { ServedFile } from '../ports/octopus.ts';
import type { World } from '../ports/world.ts';
import { readJournal } from '../repository/restore-journal.ts';
import { filesToProbe } from './restoring/probe-files.ts';
import { requireArchive } from './restoring/restore-of-run.ts';
import { defineStep, type StepContext } from './step.ts';

const Output = z.strictObject({ served: z.number(), gaps: z.array(z.string()) });

/** @throws ProbeFailed */
export const step = defineStep(
  { name: 'probe-server', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) => {
    const { plan, manifest } = await requireArchive(world, context.run);
    const database = await world.octopusDatabase(context.run.instance);
    await context.beat({ text: 'comparing the restored server with the archive' });
    if (plan.parts !== 'folders') await requireCounts(world, database, context.run.id);
    const files = await filesToProbe(world, { manifest, database });
    const missing = await askFor(world, files, context);
    const served = files.length - missing.length;
    if (missing.length === 0) return { served, gaps: [] };
    const what = `${missing.length} of ${files.length} files that were asked for are not served: ${missing.slice(0, 3).join(', ')}`;
    // With the database alone the folders are as people left them, and may lack what an older database lists.
    if (plan.parts === 'database') return { served, gaps: [what] };
    throw new OctoError('ProbeFailed', what, { facts: { missing } });
  },
);

/** Tables that only people and their deployments change. */
const CONTENT = [
  'Artifact',
  'Deployment',
  'DeploymentEnvironment',
  'Machine',
  'NuGetPackage',
  'Project',
  'Release',
  'Tenant',
  'User',
  'VariableSet',
];

const requireCounts = async (
  world: Pick<World, 'hostDirectory'>,
  database: OctopusDatabase,
  runId: string,
): Promise<void> => {
  const proof = (await readJournal(world, runId))?.database?.proof;
  if (!proof) throw new OctoError('Bug', `${runId} has no counts of the copy it restored`);
  const counts = await database.counts();
  const other = CONTENT.filter((table) => table in proof.counts && counts[table] !== proof.counts[table]);
  if (other.length === 0) return;
  const named = other.map((table) => `${table} has ${counts[table] ?? 0} rows instead of ${proof.counts[table]}`);
  throw new OctoError('ProbeFailed', `the restored server differs from the archive: ${named.join(', ')}`);
};

/** Those that the server does not hand out. */
const askFor = async (world: World, files: ServedFile[], { run, beat }: StepContext): Promise<string[]> => {
  const api = await world.octopusApi(run.instance);
  const missing: string[] = [];
  for (const file of files) {
    await beat();
    try {
      await api.serves(file);
    } catch (thrown) {
      if (!isOctoError(thrown, 'OctopusNotFound')) throw thrown;
      missing.push(`${file.kind} ${file.id}`);
    }
  }
  return missing;
};
