/** A drill as it is kept, for tests of views: a believable one, and changes to it. */
import type { DrillRecord } from '../../lib/domain/drills/drill.ts';

export const aDrill = (change: Partial<DrillRecord> = {}): DrillRecord => ({
  version: 1,
  runId: 'run_7F3K9Q2M',
  instance: 'prod',
  archive: {
    archiveId: 'arc_20260305T020000Z_7F3K9Q2M',
    takenAt: '2026-03-05T02:00:00Z',
    octopusVersion: '2024.4.7106',
  },
  place: 'own',
  askedBy: 'ana',
  startedAt: '2026-03-06T03:00:00Z',
  endedAt: '2026-03-06T03:27:00Z',
  word: 'good',
  dumpBytes: 9.1e9,
  proven: {
    tables: 180,
    rows: 1_204_311,
    keyProof: { opened: 12, sampled: 12 },
    references: { listed: 4210, missing: 0 },
  },
  files: { count: 18_204, sizeBytes: 33.4e9 },
  seconds: { DrillDatabase: 660, DrillProof: 180, DrillFiles: 720 },
  gaps: [],
  notes: [],
  error: null,
  ...change,
});
