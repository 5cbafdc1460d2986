/** Runs, contexts, sections and manifests for tests and benchmarks of the archive. */
import { FORMAT_VERSION, type Manifest, type Section, type SectionName } from '../../lib/domain/archives/archive.ts';
import { archiveIdOf, runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { StepContext } from '../../lib/steps/step.ts';

/** The run of the n-th backup: a minute after the one before. */
export const runOf = (n: number): RunRecord => {
  const requestedAt = new Date(Date.parse('2026-03-04T02:00:00Z') + n * 60_000).toISOString();
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

/** Sections of the steps that are not the archive's. */
export const otherSections = (fileBytes: number) =>
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
      counts: { Project: 3 },
      schema: { scriptCount: 500, lastScript: 'Script0500', lastVersion: '2024.4.7106' },
    },
    verification: { verifiedAt: '2026-03-04T02:06:00.000Z' },
    samples: { sensitiveDocumentCount: 0, values: [] },
    proof: { opened: 12, sampled: 12, gap: null },
    references: { packagesListed: 0, packagesMissing: 0, artifactsListed: 0, artifactsMissing: 0, missing: [] },
  }) satisfies { [N in Exclude<SectionName, 'folders' | 'database'>]: Section<N> };

const SHA256 = '0'.repeat(64);

export const manifestOf = ({ archiveId, word }: Pick<Manifest, 'archiveId' | 'word'>): Manifest => ({
  format: FORMAT_VERSION,
  archiveId,
  runId: 'run_7F3K9Q2M',
  instance: 'prod',
  takenAt: '2026-03-04T02:00:00.000Z',
  sealedAt: '2026-03-04T02:10:00.000Z',
  word,
  gaps: [],
  ...otherSections(1000),
  folders: {
    indexKey: `prod/indexes/${SHA256}.zst`,
    indexSha256: SHA256,
    places: [],
    fileCount: 100,
    sizeBytes: 1000,
    addedBytes: 10,
    problems: [],
    problemCount: 0,
    lostCount: 0,
  },
  database: {
    indexKey: `prod/indexes/${SHA256}.zst`,
    indexSha256: SHA256,
    sizeBytes: 1000,
    sha256: SHA256,
    addedBytes: 10,
    reusedPercent: 0,
  },
  files: {},
});
