/**
 * The plan of a restore: asks everything that can be asked beforehand, changes nothing, refuses all at once.
 *
 * Shared by the step that freezes it and by `--plan`, which only shows it. A server that does not answer can still be
 * restored onto: then nothing is asked of its API, and what it had is kept on the host instead of archived.
 */
import { openArchive } from '../../archive/restore/open-archive.ts';
import type { Manifest } from '../../domain/archives/archive.ts';
import { fingerprintOf } from '../../domain/archives/master-key.ts';
import { isOctoError, OctoError } from '../../domain/errors.ts';
import { lossBound, type Loss, type RestorePlan } from '../../domain/runs/plan.ts';
import type { RestoreAs, RestoreParts, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { findArchive } from '../../repository/catalog.ts';
import { readSettings } from '../../repository/settings.ts';
import { folderNotes } from '../parts/restore-checks-folders.ts';
import type { AskedProgram } from './describe-source.ts';
import { requireNoRefusal } from './refusals.ts';
import {
  foldersToRestore,
  isOtherKey,
  RESTORE_QUESTIONS,
  type RestorePlanning,
  type TargetServer,
} from './restore-questions.ts';

/** What was asked for: the options of a restore run. */
export type RestoreWish = { archive: string; from: string; only: RestoreParts; as: RestoreAs };

/** The options of the run as `requestRun` recorded them. */
export const wishOf = ({ instance, options }: Pick<RunRecord, 'instance' | 'options'>): RestoreWish => ({
  archive: String(options['archive']),
  from: String(options['from'] ?? instance),
  only: (options['only'] ?? 'all') as RestoreParts,
  as: (options['as'] ?? 'same') as RestoreAs,
});

/** The plan for restoring onto `instance`. @throws PlanRefused, ArchiveUnknown, ArchiveTooNew, ArchiveDamaged; or what has to pass first */
export const planRestore = async (
  world: World,
  { run, wish, program }: { run: Pick<RunRecord, 'id' | 'instance'>; wish: RestoreWish; program: AskedProgram },
): Promise<RestorePlan> => {
  const instance = world.instance(run.instance);
  const { archiveId } = await findArchive(world, wish.from, wish.archive);
  const manifest = await openArchive(world, { instance: wish.from, archiveId });
  const target = await readTarget(world, run.instance);
  const planning: RestorePlanning = {
    world,
    instance,
    run,
    program,
    manifest,
    parts: wish.only,
    as: wish.as,
    ...target,
  };
  await requireNoRefusal(`restore onto ${instance.name}`, RESTORE_QUESTIONS, planning);
  return planOf(planning);
};

/** How many rows of each kind the target has that the archive does not bring back. */
export const countLosses = async (
  world: Pick<World, 'restoredDatabase' | 'instance'>,
  { instance, manifest }: { instance: string; manifest: Manifest },
): Promise<Record<string, number>> => {
  const database = await world.restoredDatabase(instance, world.instance(instance).database.name);
  try {
    return await database.newerThan(manifest.instance === instance ? manifest.dump.startedAt : BEGINNING);
  } finally {
    await database.close();
  }
};

/** Nothing of another server's data comes back with this archive: all that the target has is newer. */
const BEGINNING = '1970-01-01T00:00:00.000Z';

/** The server as it is, `null` while it does not answer; one that answers otherwise is a refusal among the others. */
const readTarget = async (
  world: World,
  instance: string,
): Promise<Pick<RestorePlanning, 'server' | 'serverTrouble'>> => {
  try {
    const api = await world.octopusApi(instance);
    const { version, installationId } = await api.root();
    const [nodes, isAdministrator, folders] = await Promise.all([
      api.nodes(),
      api.canAdministerSystem(),
      api.serverFolders(),
    ]);
    const server: TargetServer = {
      version,
      installationId,
      nodes,
      isAdministrator,
      folders: folders.map(({ role: name, path }) => ({ name, path })),
    };
    return { server, serverTrouble: null };
  } catch (thrown) {
    const error = OctoError.from(thrown);
    if (error.code === 'Bug') throw error;
    return { server: null, serverTrouble: error.code === 'OctopusUnavailable' ? null : error };
  }
};

const planOf = async (planning: RestorePlanning): Promise<RestorePlan> => {
  const { world, instance, run, program, manifest, parts, as, server } = planning;
  const { salt } = await readSettings(world, instance.name);
  const { archiveId, takenAt, word, proof } = manifest;
  const folders = parts === 'database' ? [] : foldersToRestore(planning);
  const isReplaced = parts !== 'folders' && (await isOtherKey(planning));
  return {
    version: 1,
    run: run.id,
    workflow: 'restore',
    instance: instance.name,
    archive: { archiveId, instance: manifest.instance, takenAt, word },
    parts,
    as,
    octopus: {
      version: server?.version ?? (await program.version()),
      installationId: server?.installationId ?? null,
      isRunning: server !== null,
    },
    database: parts === 'folders' ? null : instance.database.name,
    folders,
    pointed: parts === 'folders' ? [] : pointedOf(planning),
    masterKey: {
      archive: manifest.keys.masterKeyFingerprint,
      target: fingerprintOf(await program.showMasterKey(), salt),
      isReplaced,
    },
    safety: server === null ? 'kept' : 'backup',
    losses: parts === 'folders' ? [] : await lossesOf(planning),
    checked: [
      parts === 'folders' ? 'version not compared: folders only' : 'version same',
      ...(parts === 'folders' ? [] : [`key opens ${proof.opened} of ${proof.sampled} samples`]),
      'rights and space ok',
    ],
    warnings: [...warningsOf(planning, isReplaced), ...folderNotes({ targets: folders, runId: run.id })],
  };
};

/** The folders stand in the database by their paths, which may be another machine's. */
const pointedOf = ({ instance, manifest, server }: RestorePlanning): RestorePlan['pointed'] => {
  const archived = new Map(manifest.folders.places.map(({ name, path }) => [name, path]));
  const isElsewhere = (name: string, path: string): boolean =>
    archived.has(name) ? archived.get(name) !== path : manifest.instance !== instance.name;
  return (server?.folders ?? []).filter(({ name, path }) => isElsewhere(name, path));
};

const warningsOf = (planning: RestorePlanning, isReplaced: boolean): string[] => {
  const { instance, manifest, as, server, parts } = planning;
  const flaws = [...manifest.gaps, ...(manifest.unusual ?? [])];
  const isSecond = manifest.instance !== instance.name && as === 'same' && parts !== 'folders';
  return [
    ...(manifest.word === 'good'
      ? []
      : [`the archive ${manifest.word === 'gaps' ? 'has gaps' : `is ${manifest.word}`}: ${flaws.join('; ')}`]),
    ...(server === null
      ? [`${instance.name} does not answer: it is not archived first, its database and folders stay on the host`]
      : []),
    ...withoutPlace(planning).map((name) => `the target has no place for ${name}, which is left out`),
    ...(isReplaced
      ? ['the master key of the host is replaced, in the one call of Octopus.Server that takes it as an argument']
      : []),
    ...(isSecond
      ? [
          `${instance.name} becomes a second ${manifest.instance}, trusted by its targets; as:quarantine makes it harmless`,
        ]
      : []),
  ];
};

const withoutPlace = (planning: RestorePlanning): string[] => {
  if (planning.parts === 'database') return [];
  const placed = new Set(foldersToRestore(planning).map(({ name }) => name));
  return planning.manifest.folders.places.map(({ name }) => name).filter((name) => !placed.has(name));
};

/** A database that cannot be read has nothing to count: the plan then says nothing of losses. */
const lossesOf = async ({ world, instance, manifest, server }: RestorePlanning): Promise<Loss[]> => {
  try {
    const newer = await countLosses(world, { instance: instance.name, manifest });
    return Object.entries(newer).map(([what, found]) => ({ what, found, atMost: lossBound(found) }));
  } catch (thrown) {
    if (server === null && isOctoError(thrown)) return [];
    throw thrown;
  }
};
