/**
 * The questions of a restore: each names what stands against it, as phrases, and changes nothing. Those about database and
 * folders have files of their own; several are a backup's as well.
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { fingerprintOf } from '../../domain/archives/master-key.ts';
import { isOctoError, type OctoError } from '../../domain/errors.ts';
import type { RestorePlan } from '../../domain/runs/plan.ts';
import type { RestoreAs, RestoreParts } from '../../domain/runs/run.ts';
import type { OctopusNode } from '../../ports/octopus.ts';
import { damagedNames } from '../../repository/damage.ts';
import { databaseIsTheServers, isSameVersion, keyIsReadable, nobodyElseWorks, type Asked } from './plan-checks.ts';
import { DATABASE_QUESTIONS } from '../parts/restore-checks-database.ts';
import { folderRefusals } from '../parts/restore-checks-folders.ts';
import { proveOnSamples, readMasterKey } from './kept-keys.ts';
import type { Question } from './refusals.ts';

/** What the target's server says of itself; `null` while it does not answer. */
export type TargetServer = {
  version: string;
  installationId: string;
  nodes: OctopusNode[];
  isAdministrator: boolean;
  folders: { name: string; path: string }[];
} | null;

export type RestorePlanning = Asked & {
  manifest: Manifest;
  parts: RestoreParts;
  as: RestoreAs;
  server: TargetServer;
  /** What it said instead, such as that it does not know the bot's API key. */
  serverTrouble: OctoError | null;
};

type RestoreQuestion = Question<RestorePlanning>;

const archiveIsWhole: RestoreQuestion = async ({ world, manifest: { instance, archiveId } }) =>
  (await damagedNames(world, instance)).has(archiveId)
    ? [`${archiveId} was found damaged: restore another one, /octo backup list ${instance} shows them`]
    : [];

const versionIsTheArchives: RestoreQuestion = async ({ manifest, parts, program }) => {
  const [ofTarget, ofArchive] = [await program.version(), manifest.source.octopusVersion];
  if (parts === 'folders' || isSameVersion(ofTarget, ofArchive)) return [];
  return [
    `the archive is of Octopus ${ofArchive}, the target has ${ofTarget}: install exactly ${ofArchive} there first`,
  ];
};

const isOneNode: RestoreQuestion = async ({ instance, server }) => {
  const others = (server?.nodes ?? []).filter(({ isOffline }) => !isOffline).slice(1);
  return instance.hosts.length > 1 || others.length > 0
    ? [`${instance.name} has several nodes, which are not restored yet: stop all but one and name only that one`]
    : [];
};

const mayAdminister: RestoreQuestion = async ({ server }) =>
  server === null || server.isAdministrator
    ? []
    : ['the API key of the bot lacks AdministerSystem, which maintenance mode needs'];

const keyOpensTheArchive: RestoreQuestion = async ({ world, manifest, parts }) => {
  if (parts === 'folders') return [];
  const key = await readMasterKey(world, { instance: manifest.instance, ...manifest.keys }).catch((thrown: unknown) => {
    if (isOctoError(thrown, 'SecretNotKept')) return null;
    throw thrown;
  });
  const { masterKeyFingerprint: fingerprint } = manifest.keys;
  if (key === null) return [`the secret store has no master key ${fingerprint}, which this archive needs`];
  const { verdict, opened } = proveOnSamples(key, manifest.samples);
  return verdict === 'wrong'
    ? [`master key ${fingerprint} opens ${opened} of ${manifest.samples.values.length} values of this archive`]
    : [];
};

const quarantineIsNoProduction: RestoreQuestion = async ({ instance, as }) =>
  as === 'quarantine' && instance.isProduction
    ? [`${instance.name} is a production instance, and a quarantined copy can deploy nothing: name another target`]
    : [];

const foldersAreKnown: RestoreQuestion = async ({ instance, manifest, parts, server }) =>
  server === null && parts !== 'database' && manifest.instance !== instance.name
    ? [`${instance.name} does not answer, so where it keeps its folders is not known: start it, or add only:database`]
    : [];

const foldersCanBeExchanged: RestoreQuestion = (planning) =>
  planning.parts === 'database'
    ? Promise.resolve([])
    : folderRefusals(planning.world, {
        at: planning.manifest,
        instance: planning.instance.name,
        runId: planning.run.id,
        targets: foldersToRestore(planning),
      });

const serverIsOpenToUs: RestoreQuestion = ({ serverTrouble }) =>
  serverTrouble === null ? Promise.resolve([]) : Promise.reject(serverTrouble);

/** In the order a reader would mend them. */
export const RESTORE_QUESTIONS: readonly RestoreQuestion[] = [
  nobodyElseWorks,
  serverIsOpenToUs,
  archiveIsWhole,
  isOneNode,
  versionIsTheArchives,
  mayAdminister,
  keyIsReadable,
  keyOpensTheArchive,
  quarantineIsNoProduction,
  databaseIsTheServers,
  ...DATABASE_QUESTIONS,
  foldersAreKnown,
  foldersCanBeExchanged,
];

/** Where the target keeps each place of the archive; a server that does not answer has them where the archive found them. */
export const foldersToRestore = ({ instance, manifest, server }: RestorePlanning): RestorePlan['folders'] => {
  const known = new Map([...(server?.folders ?? []), ...instance.extraFolders].map(({ name, path }) => [name, path]));
  return manifest.folders.places
    .flatMap(({ name, path }) => {
      const target = known.get(name) ?? (server === null ? path : undefined);
      return target === undefined ? [] : [{ name, path: target }];
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

/** Has the target another key than the archive needs? Compared under the archive's salt, so that both names can be made. */
export const isOtherKey = async ({
  manifest,
  program,
}: Pick<RestorePlanning, 'manifest' | 'program'>): Promise<boolean> =>
  fingerprintOf(await program.showMasterKey(), manifest.keys.salt) !== manifest.keys.masterKeyFingerprint;
