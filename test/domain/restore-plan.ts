/** A believable plan of a restore. */
import type { RestorePlan } from '../../lib/domain/runs/plan.ts';

export const aRestorePlan: RestorePlan = {
  version: 1,
  run: 'run_7F3K9Q2M',
  workflow: 'restore',
  instance: 'prod',
  archive: {
    archiveId: 'arc_20260304T020000Z_7F3K9Q2M',
    instance: 'prod',
    takenAt: '2026-03-04T02:00:00.000Z',
    word: 'good',
  },
  parts: 'all',
  as: 'same',
  octopus: { version: '2024.4.7106', installationId: 'i', isRunning: true },
  database: 'OctopusDeploy',
  folders: [{ name: 'packages', path: '/octopus/packages' }],
  pointed: [],
  masterKey: { archive: 'a', target: 'b', isReplaced: false },
  safety: 'backup',
  losses: [{ what: 'deployments', found: 41, atMost: 60 }],
  checked: ['version same'],
  warnings: [],
};
