/** What a run does, as it is called in headlines and sentences. */
import type { RunRecord, WorkflowName } from '../../domain/runs/run.ts';
import type { Tongue } from '../tongue.ts';

type Named = Pick<RunRecord, 'workflow' | 'instance'> & Partial<Pick<RunRecord, 'options'>>;

const NOUNS: Record<WorkflowName, string> = {
  backup: 'backup',
  restore: 'restore',
  drill: 'drill',
  delete: 'deletion',
  keys: 'key backup',
};

/** `Backup`, to begin a headline with. */
export const workTitle = ({ workflow }: Pick<RunRecord, 'workflow'>): string =>
  `${NOUNS[workflow].charAt(0).toUpperCase()}${NOUNS[workflow].slice(1)}`;

/** `backup of prod`, `restore onto prod`, `deletion of an archive of prod` */
export const workOf = ({ workflow, instance }: Named, tongue: Tongue): string => {
  const between = workflow === 'restore' ? 'onto' : workflow === 'delete' ? 'of an archive of' : 'of';
  return `${NOUNS[workflow]} ${between} ${tongue.quote(instance, 80)}`;
};

/** `prod`, `prod ← arc_20260304T020000Z_7F3K9Q2M`, `prod · arc_20260304T020000Z_7F3K9Q2M` */
export const workOn = ({ workflow, instance, options }: Named, tongue: Tongue): string => {
  const archive = options?.['archive'];
  const source =
    typeof archive === 'string' ? ` ${workflow === 'restore' ? '←' : '·'} ${tongue.quote(archive, 80)}` : '';
  return `${tongue.quote(instance, 80)}${source}`;
};

/** What a person types to ask for the same once more. */
export const workAgain = ({ workflow, instance, options }: Named): string => {
  if (workflow === 'delete') return `backup delete ${String(options?.['archive'] ?? '')} instance:${instance}`;
  if (workflow === 'keys') return `keys save ${instance}`;
  if (workflow === 'drill') return `drill now ${instance} ${String(options?.['archive'] ?? 'newest')}`;
  if (workflow !== 'restore') return `${workflow} now ${instance}`;
  const extra = (['from', 'only', 'as'] as const).flatMap((name) => {
    const value = options?.[name];
    const isUsual = value === undefined || value === 'all' || value === 'same' || value === instance;
    return isUsual ? [] : [` ${name}:${String(value)}`];
  });
  return `restore ${String(options?.['archive'] ?? 'latest')} to ${instance}${extra.join('')}`;
};
