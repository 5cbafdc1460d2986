/**
 * `/octo keys status|save`: which master keys and licenses the secret store keeps and which archives each of them opens, and
 * saving what a server uses now. Only names are read here, never a key: saving is a run, done beside the server.
 */
import type { Manifest } from '../domain/archives/archive.ts';
import { secretNames } from '../domain/names.ts';
import { columns } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { listArchives } from '../repository/catalog.ts';
import { requestRun } from '../runs/request.ts';
import { count, utcTime } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

/** More than a year of daily archives. */
const ARCHIVES_READ = 400;

type KeyStatus = {
  fingerprint: string;
  /** Does the secret store have it? */
  isKept: boolean;
  archives: number;
  newestArchive: string | null;
  /** The newest archive whose proof opened something with this key. */
  lastProof: { archive: string; takenAt: string; opened: number; sampled: number } | null;
};

type InstanceKeys = {
  instance: string;
  masterKeys: KeyStatus[];
  licenses: { fingerprint: string; isKept: boolean; newestArchive: string | null }[];
  archivesRead: number;
  isCut: boolean;
};

export const keysSave: Command = {
  words: ['keys', 'save'],
  summary: 'Save the master key and the license of a server into the secret store, as every backup does.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: { reason: { summary: 'why, kept with the run' } },
  startsRun: true,
  changes: true,
  example: '/octo keys save prod',
  perform: async (world, { positionals, options }, { by, requestKey }) => {
    const instance = instanceNamed(world, positionals['instance']);
    const asked = {
      workflow: 'keys',
      instance,
      by,
      requestKey,
      reason: options['reason'] ?? null,
      options: {},
    } as const;
    const { run, isJoined } = await requestRun(world, asked);
    return {
      headline: isJoined
        ? `${run.id} is saving the keys of ${instance} already.`
        : `Saving the keys of ${instance}: ${run.id}.`,
      lines: [],
      json: { run: run.id, instance, joined: isJoined },
      runId: run.id,
    };
  },
};

export const keysStatus: Command = {
  words: ['keys', 'status'],
  summary: 'Which master keys and licenses are kept, which archives each opens, and when that was last proven.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo keys status prod',
  perform: async (world, { positionals }) => {
    const chosen = positionals['instance'];
    const names = chosen === undefined ? world.instanceNames() : [world.instance(chosen).name];
    const found = await Promise.all(names.map((name) => keysOf(world, name)));
    const lost = found.flatMap(({ masterKeys }) => masterKeys.filter(({ isKept }) => !isKept));
    const total = found.reduce((sum, { masterKeys }) => sum + masterKeys.length, 0);
    return {
      headline: headline(total, lost),
      lines: found.flatMap(linesOf),
      json: { instances: Object.fromEntries(found.map((keys) => [keys.instance, keys])) },
      isBad: lost.length > 0,
    };
  },
};

const headline = (total: number, lost: KeyStatus[]): string => {
  if (lost.length > 0)
    return `${count(lost.length, 'master key')} that archives need NOT in the secret store: those archives cannot be opened.`;
  return total === 0
    ? 'No master key is kept yet: a backup saves it.'
    : `${count(total, 'master key')} kept, and no archive without its key.`;
};

const keysOf = async (world: World, instance: string): Promise<InstanceKeys> => {
  const [masterKeys, licenses] = await Promise.all([
    fingerprintsUnder(world, secretNames.masterKeys(instance)),
    fingerprintsUnder(world, secretNames.licenses(instance)),
  ]);
  const archives: Manifest[] = [];
  let isCut = false;
  for await (const manifest of listArchives(world, instance)) {
    isCut = archives.length === ARCHIVES_READ;
    if (isCut) break;
    archives.push(manifest);
  }
  const named = (of: (manifest: Manifest) => string | null, kept: Set<string>) =>
    [...new Set([...archives.map(of), ...kept])].filter((fingerprint) => fingerprint !== null);
  return {
    instance,
    masterKeys: named(masterKeyOf, masterKeys).map((fingerprint) =>
      statusOf(fingerprint, { archives, isKept: masterKeys.has(fingerprint) }),
    ),
    licenses: named(licenseOf, licenses).map((fingerprint) => ({
      fingerprint,
      isKept: licenses.has(fingerprint),
      newestArchive: archives.find((manifest) => licenseOf(manifest) === fingerprint)?.archiveId ?? null,
    })),
    archivesRead: archives.length,
    isCut,
  };
};

const fingerprintsUnder = async (world: Pick<World, 'secretStore'>, prefix: string): Promise<Set<string>> =>
  new Set((await world.secretStore.list(prefix)).map((name) => name.slice(prefix.length)));

const masterKeyOf = ({ keys }: Manifest): string => keys.masterKeyFingerprint;
const licenseOf = ({ keys }: Manifest): string | null => keys.licenseFingerprint;

const statusOf = (fingerprint: string, { archives, isKept }: { archives: Manifest[]; isKept: boolean }): KeyStatus => {
  const opened = archives.filter((manifest) => masterKeyOf(manifest) === fingerprint);
  const proven = opened.find(({ proof }) => proof.opened > 0);
  return {
    fingerprint,
    isKept,
    archives: opened.length,
    newestArchive: opened[0]?.archiveId ?? null,
    lastProof: proven
      ? {
          archive: proven.archiveId,
          takenAt: proven.takenAt,
          opened: proven.proof.opened,
          sampled: proven.proof.sampled,
        }
      : null,
  };
};

const linesOf = ({ instance, masterKeys, licenses, archivesRead, isCut }: InstanceKeys): string[] => [
  instance,
  ...columns([
    ...masterKeys.map((key) => [
      `  master key ${key.fingerprint}`,
      key.isKept ? 'kept' : 'LOST',
      `opens ${count(key.archives, 'archive')}${key.newestArchive === null ? '' : `, newest ${key.newestArchive}`}`,
      key.lastProof === null
        ? 'never proven'
        : `opened ${key.lastProof.opened} of ${key.lastProof.sampled} at ${utcTime(key.lastProof.takenAt)}`,
    ]),
    ...licenses.map((license) => [
      `  license    ${license.fingerprint}`,
      license.isKept ? 'kept' : 'LOST',
      license.newestArchive === null ? 'in no archive read' : `newest ${license.newestArchive}`,
    ]),
  ]),
  ...(isCut ? [`  Only the newest ${archivesRead} archives were read.`] : []),
];
