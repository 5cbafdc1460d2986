/** Runs as the run book holds them, for tests of views: a believable one, and changes to it. */
import type { BackupSummary, Outcome, RunRecord, RunView, StepNote } from '../../lib/domain/runs/run.ts';

export const PLANNED = ['PlanRun', 'TakeLock', 'SaveKeys', 'DumpDatabase', 'SealArchive', 'Report'];
/** Twenty minutes after the run of `aView` was asked for. */
export const NOW = new Date('2026-03-05T02:20:00Z');

export const aStep = (state: string, change: Partial<StepNote> = {}): StepNote => ({
  state,
  step: state.toLowerCase(),
  attempt: 0,
  status: 'done',
  startedAt: '2026-03-05T02:00:10Z',
  updatedAt: '2026-03-05T02:06:51Z',
  endedAt: '2026-03-05T02:06:51Z',
  percent: null,
  text: '',
  error: null,
  ...change,
});

export const aSummary: BackupSummary = {
  archiveId: 'arc_20260305T020000Z_7F3K9Q2M',
  takenAt: '2026-03-05T02:00:00Z',
  consistency: 'quiesced',
  durationSeconds: 1080,
  quietSeconds: 190,
  totalBytes: 42.7e9,
  addedBytes: 0.3e9,
  database: { sizeBytes: 9.1e9, isVerified: true },
  files: { count: 18_204, sizeBytes: 33.4e9, missingCount: 0 },
  keyProof: { opened: 12, sampled: 12, fingerprint: '0123456789abcdef' },
};

export const anOutcome = (change: Partial<Outcome> = {}): Outcome => ({
  word: 'good',
  gaps: [],
  notes: [],
  error: null,
  safeNow: '',
  doNext: '',
  backup: null,
  ...change,
});

export const aView = (change: Partial<Omit<RunView, 'run'>> & { run?: Partial<RunRecord> } = {}): RunView => ({
  run: {
    id: 'run_7F3K9Q2M',
    workflow: 'backup',
    instance: 'prod',
    requestedAt: '2026-03-05T02:00:00Z',
    requestedBy: { door: 'slack', person: 'ana', channel: 'C0OCTOOPS' },
    reason: 'before the upgrade',
    options: {},
    archiveId: aSummary.archiveId,
    status: 'running',
    endedAt: null,
    outcome: null,
    ...change.run,
  },
  steps: change.steps ?? [],
  plannedStates: change.plannedStates ?? PLANNED,
  maintenanceUntil: change.maintenanceUntil ?? null,
  approval: change.approval ?? null,
  ...(change.pace !== undefined && { pace: change.pace }),
});

export const anEndedView = (outcome: Partial<Outcome>): RunView =>
  aView({ run: { status: 'ended', endedAt: '2026-03-05T02:18:00Z', outcome: anOutcome(outcome) } });
