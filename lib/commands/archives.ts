/** `/octo backup list|show`: what archives there are, and what is in one. */
import type { Manifest } from '../domain/archives/archive.ts';
import type { DrillRecord } from '../domain/drills/drill.ts';
import { columns } from '../domain/reply.ts';
import type { CountedManifest } from '../repository/archives.ts';
import { findArchive, listArchives } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import { heldArchives, readHold, type Hold } from '../repository/holds.ts';
import { drillsOf } from '../repository/outcomes/drill-records.ts';
import type { Acceptance } from '../repository/people/acceptances.ts';
import { size, utcTime } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

const LIST_LENGTH = 20;

/** How every verb on an archive names it. */
export const ARCHIVE = {
  name: 'archive',
  summary: 'its id, latest, or a day: yesterday, 2026-03-04, in the time zone of the settings',
} as const;
export const INSTANCE = { instance: { summary: 'which Octopus server, where there are several' } } as const;

export const backupList: Command = {
  words: ['backup', 'list'],
  summary: 'The newest archives, with their outcome and size.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo backup list prod',
  perform: async (world, { positionals }) => {
    const instance = instanceNamed(world, positionals['instance']);
    const manifests: CountedManifest[] = [];
    let isCut = false;
    for await (const manifest of listArchives(world, instance)) {
      isCut = manifests.length === LIST_LENGTH;
      if (isCut) break;
      manifests.push(manifest);
    }
    const known = { held: await heldArchives(world, instance), damaged: await damagedNames(world, instance) };
    return {
      headline: manifests.length === 0 ? `${instance} has no archive yet.` : `Archives of ${instance}, newest first.`,
      lines: [
        ...columns(manifests.map((manifest) => row(manifest, known))),
        ...(isCut ? [`Older ones are left out; only the newest ${LIST_LENGTH} are listed.`] : []),
      ],
      json: { instance, archives: manifests.map((manifest) => summary(manifest, known)), isCut },
    };
  },
};

export const backupShow: Command = {
  words: ['backup', 'show'],
  summary: 'What one archive holds, and what opens it.',
  positionals: [ARCHIVE],
  options: INSTANCE,
  example: '/octo backup show latest',
  perform: async (world, { positionals, options }) => {
    const instance = instanceNamed(world, options['instance']);
    const manifest = await findArchive(world, instance, positionals['archive'] ?? 'latest');
    const hold = await readHold(world, { instance, archiveId: manifest.archiveId });
    const drills = await drillsOf(world, { instance, archiveId: manifest.archiveId });
    const isDamaged = (await damagedNames(world, instance)).has(manifest.archiveId);
    return {
      headline: `${manifest.archiveId} of ${instance}: ${isDamaged ? DAMAGED : wordOf(manifest)}.`,
      lines: columns([...facts(manifest), ...proofFact(drills), ...(hold === null ? [] : [heldFact(hold)])]),
      json: { ...manifest, hold, isDamaged, drills },
    };
  },
};

const sizes = ({ database, folders }: Manifest): string =>
  `${size(database.sizeBytes + folders.sizeBytes)} (+${size(database.addedBytes + folders.addedBytes)})`;

/** What is known of archives beside their manifests, by id. */
type Known = { held: Set<string>; damaged: Set<string> };

const DAMAGED = 'DAMAGED';

/** `good`; `good, accepted` where it was sealed as something else; `good, of a restore` for what one was to overwrite. */
const wordOf = ({ word, accepted, isSafety }: CountedManifest): string =>
  [word, ...(accepted === undefined ? [] : ['accepted']), ...(isSafety ? ['of a restore'] : [])].join(', ');

const row = (manifest: CountedManifest, { held, damaged }: Known): string[] => [
  manifest.archiveId,
  damaged.has(manifest.archiveId) ? DAMAGED : wordOf(manifest),
  utcTime(manifest.takenAt),
  `${sizes(manifest)}${held.has(manifest.archiveId) ? '  held' : ''}`,
];

const summary = (manifest: CountedManifest, { held, damaged }: Known) => ({
  archive: manifest.archiveId,
  word: manifest.word,
  takenAt: manifest.takenAt,
  consistency: manifest.dump.consistency,
  totalBytes: manifest.database.sizeBytes + manifest.folders.sizeBytes,
  addedBytes: manifest.database.addedBytes + manifest.folders.addedBytes,
  masterKeyFingerprint: manifest.keys.masterKeyFingerprint,
  isSafety: manifest.isSafety === true,
  isHeld: held.has(manifest.archiveId),
  isDamaged: damaged.has(manifest.archiveId),
  accepted: manifest.accepted ?? null,
});

const heldFact = ({ by, reason, heldAt }: Hold): string[] => [
  'held',
  `by ${by} since ${utcTime(heldAt)}${reason === null ? '' : `: ${reason}`}`,
];

/** What was proven when it was taken is proven on the source only. */
const proofFact = ([drill]: DrillRecord[]): string[][] => {
  const { keyProof } = drill?.proven ?? {};
  return [
    [
      'proven',
      drill === undefined || keyProof === undefined
        ? 'on the source, when it was taken: /octo drill now proves it on a restored copy'
        : `on the restored copy, ${utcTime(drill.endedAt)}: key opens ${keyProof.opened} of ${keyProof.sampled} (${drill.runId})`,
    ],
  ];
};

const acceptedFact = ({ by, reason, acceptedAt, word }: Acceptance): string[] => [
  'accepted',
  `by ${by} since ${utcTime(acceptedAt)}, sealed as ${word}: ${reason}`,
];

const facts = (manifest: CountedManifest): string[][] => [
  ['taken', `${utcTime(manifest.takenAt)}, ${manifest.dump.consistency}, by ${manifest.runId}`],
  ['Octopus', `${manifest.source.octopusVersion}, installation ${manifest.source.installationId}`],
  [
    'database',
    `${manifest.dump.database}, ${size(manifest.database.sizeBytes)}, SQL Server ${manifest.dump.sqlServer.version}`,
  ],
  ['folders', `${manifest.folders.fileCount} files, ${size(manifest.folders.sizeBytes)}`],
  [
    'key',
    `master key ${manifest.keys.masterKeyFingerprint}, opened ${manifest.proof.opened} of ${manifest.proof.sampled}`,
  ],
  ...(manifest.folders.leftOut ?? []).map(({ name, by }) => ['left out', `${name}, by the ${by}`]),
  ...manifest.gaps.map((gap) => ['gap', gap]),
  ...(manifest.unusual ?? []).map((line) => ['unusual', line]),
  ...(manifest.accepted === undefined ? [] : [acceptedFact(manifest.accepted)]),
];
