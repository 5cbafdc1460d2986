/**
 * The archive's manifest and the sections it is assembled from. The stored format is described in `docs/format.md`.
 *
 * Each step of a backup leaves what it found as a section under the archive's prefix, written once; `Seal` puts the
 * sections together. A section that exists means that its step has finished, so a repeated step reads instead of works.
 * The manifest is written last, and its existence is the archive.
 */
import * as z from 'zod';
import { LeftOut } from './left-out.ts';

export const FORMAT_VERSION = 1;

/** The server as it was found, before this run changed anything. */
const SourceSection = z.strictObject({
  octopusVersion: z.string(),
  installationId: z.string(),
  isInMaintenance: z.boolean(),
  nodes: z.array(z.strictObject({ name: z.string(), version: z.string(), isDraining: z.boolean() })),
  certificateThumbprint: z.string(),
});

/** Which secrets open this archive. Fingerprints are HMAC-SHA-256 of the value under the instance's salt, cut to 16 hex digits. */
const KeysSection = z.strictObject({
  salt: z.string(),
  masterKeyFingerprint: z.string(),
  masterKeyBits: z.union([z.literal(128), z.literal(256)]),
  licenseFingerprint: z.string().nullable(),
});

/** The dump as SQL Server made it. */
const DumpSection = z.strictObject({
  database: z.string(),
  backupSetName: z.string(),
  consistency: z.enum(['quiesced', 'online']),
  startedAt: z.string(),
  finishedAt: z.string(),
  sqlServer: z.strictObject({ version: z.string(), edition: z.string(), collation: z.string() }),
  collation: z.string(),
  familyGuid: z.string(),
  fileBytes: z.number(),
  counts: z.record(z.string(), z.number()),
  schema: z.strictObject({ scriptCount: z.number(), lastScript: z.string(), lastVersion: z.string().nullable() }),
});

/** When SQL Server had read the whole dump again and found every checksum right. */
const VerificationSection = z.strictObject({ verifiedAt: z.string() });

/** Ciphertexts sampled at dump time; they stand in the dump as well, so they tell nothing new. */
const SamplesSection = z.strictObject({
  sensitiveDocumentCount: z.number(),
  values: z.array(
    z.strictObject({
      table: z.string(),
      id: z.string(),
      path: z.string(),
      kind: z.enum(['text', 'certificate']),
      cipherText: z.string(),
    }),
  ),
});

/** Where the index of the folders lies, and what it sums up to. */
const FoldersSection = z.strictObject({
  indexKey: z.string(),
  indexSha256: z.string(),
  places: z.array(z.strictObject({ name: z.string(), path: z.string(), fileCount: z.number(), sizeBytes: z.number() })),
  fileCount: z.number(),
  sizeBytes: z.number(),
  addedBytes: z.number(),
  /** Files that could not be taken as they were: locked, changing while read, vanished. Cut at 50; `problemCount` counts all. */
  problems: z.array(z.strictObject({ path: z.string(), what: z.string() })),
  problemCount: z.number(),
  /** Those of the problems that left out a file which is there: a gap. */
  lostCount: z.number().optional(),
  /** Folders that were not to be taken; absent where all were. */
  leftOut: z.array(LeftOut).optional(),
});

/** Where the dump's index lies. `sha256` is of the whole file as SQL Server wrote it. */
const DatabaseSection = z.strictObject({
  indexKey: z.string(),
  indexSha256: z.string(),
  sizeBytes: z.number(),
  sha256: z.string(),
  addedBytes: z.number(),
  reusedPercent: z.number(),
});

const ProofSection = z.strictObject({
  opened: z.number(),
  sampled: z.number(),
  /** Why nothing could be proven, or null. */
  gap: z.string().nullable(),
});

/** What the database lists and the folders lack. Lists are cut at 50; the counts are whole. */
const ReferencesSection = z.strictObject({
  packagesListed: z.number(),
  packagesMissing: z.number(),
  artifactsListed: z.number(),
  artifactsMissing: z.number(),
  missing: z.array(z.string()),
});

export const sections = {
  source: SourceSection,
  keys: KeysSection,
  dump: DumpSection,
  verification: VerificationSection,
  samples: SamplesSection,
  folders: FoldersSection,
  database: DatabaseSection,
  proof: ProofSection,
  references: ReferencesSection,
} as const;

export type SectionName = keyof typeof sections;
export type Section<N extends SectionName> = z.output<(typeof sections)[N]>;

export const Manifest = z.strictObject({
  format: z.literal(FORMAT_VERSION),
  archiveId: z.string(),
  runId: z.string(),
  instance: z.string(),
  takenAt: z.string(),
  sealedAt: z.string(),
  word: z.enum(['good', 'gaps', 'suspicious']),
  gaps: z.array(z.string()),
  /** What makes it suspicious; absent in archives of before it was kept apart from the gaps. */
  unusual: z.array(z.string()).optional(),
  /** The state that a restore was about to overwrite, kept to go back to: nobody means it by "the latest". */
  isSafety: z.literal(true).optional(),
  ...sections,
  /** SHA-256 of the other files beside the manifest: `host.json`, `logins.json`, `RESTORE.md`, `restore.sh`. */
  files: z.record(z.string(), z.string()),
});
export type Manifest = z.infer<typeof Manifest>;
