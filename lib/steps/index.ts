/**
 * The register of steps: one file each, loaded when it is first used, so that a door never loads the SQL client.
 */
import { OctoError } from '../domain/errors.ts';
import type { Step } from './step.ts';

const loaders: Readonly<Record<string, () => Promise<{ step: Step }>>> = {
  'plan-run': () => import('./plan-run.ts'),
  'await-approval': () => import('./await-approval.ts'),
  'await-answer': () => import('./await-answer.ts'),
  'confirm-plan': () => import('./confirm-plan.ts'),
  'take-lock': () => import('./take-lock.ts'),
  'save-keys': () => import('./save-keys.ts'),
  'pack-folders': () => import('./pack-folders.ts'),
  quiesce: () => import('./quiesce.ts'),
  'dump-database': () => import('./dump-database.ts'),
  'sample-secrets': () => import('./sample-secrets.ts'),
  resume: () => import('./resume.ts'),
  'verify-dump': () => import('./verify-dump.ts'),
  'store-database': () => import('./store-database.ts'),
  'prove-key': () => import('./prove-key.ts'),
  'check-references': () => import('./check-references.ts'),
  'seal-archive': () => import('./seal-archive.ts'),
  prune: () => import('./prune.ts'),
  'plan-restore': () => import('./plan-restore.ts'),
  'load-database': () => import('./load-database.ts'),
  'stage-folders': () => import('./stage-folders.ts'),
  'count-losses': () => import('./count-losses.ts'),
  'stop-server': () => import('./stop-server.ts'),
  'swap-database': () => import('./swap-database.ts'),
  'load-keys': () => import('./load-keys.ts'),
  'swap-folders': () => import('./swap-folders.ts'),
  'start-server': () => import('./start-server.ts'),
  'probe-server': () => import('./probe-server.ts'),
  'wake-server': () => import('./wake-server.ts'),
  'clear-aside': () => import('./clear-aside.ts'),
  'return-target': () => import('./return-target.ts'),
  'drill-plan': () => import('./drill-plan.ts'),
  'drill-database': () => import('./drill-database.ts'),
  'drill-proof': () => import('./drill-proof.ts'),
  'drill-files': () => import('./drill-files.ts'),
  'drill-clear': () => import('./drill-clear.ts'),
  'drill-evidence': () => import('./drill-evidence.ts'),
  'plan-delete': () => import('./plan-delete.ts'),
  'delete-archive': () => import('./delete-archive.ts'),
  'report-run': () => import('./report-run.ts'),
};

/** @throws Bug when there is no step of that name */
export const loadStep = async (name: string): Promise<Step> => {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) throw new OctoError('Bug', `there is no step "${name}"`);
  return (await load()).step;
};

export const stepNames = (): string[] => Object.keys(loaders);
