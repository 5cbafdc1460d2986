/**
 * Marks what a restore or a drill found damaged in the archive that it reads, so that `latest` does not lead there again.
 *
 * Done when the run is reported and not where it was found: a host may only read the archives of other instances.
 */
import { archiveKeys } from '../../domain/names.ts';
import { ARCHIVING_STATES, errorRecordOf, factsOf, type Failure } from '../../domain/runs/outcome.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { markDamaged } from '../damage.ts';
import type { ArchivePlace } from '../sections.ts';

const READING = new Set<RunRecord['workflow']>(['restore', 'drill']);

type Reading = Pick<RunRecord, 'workflow' | 'instance' | 'options'>;

/** The archive that the run reads, or `null` when it reads none. */
export const archiveRead = ({ workflow, instance, options: { archive, from } }: Reading): ArchivePlace | null =>
  READING.has(workflow) && typeof archive === 'string'
    ? { instance: String(from ?? instance), archiveId: archive }
    : null;

/** Marks the object that the failed state named; where it named none, what is damaged is the archive. */
export const markDamageRead = async (
  world: Pick<World, 'archives' | 'clock'>,
  run: Reading,
  failure: Failure | null,
): Promise<void> => {
  const at = archiveRead(run);
  // A restore also archives its target: what is damaged there is not in the archive that it reads.
  if (at === null || failure?.error !== 'ArchiveDamaged' || ARCHIVING_STATES.includes(failure.state)) return;
  const { key } = factsOf(failure);
  const { message: what } = errorRecordOf(failure);
  const damaged = typeof key === 'string' ? key : archiveKeys.manifest(at.instance, at.archiveId);
  await markDamaged(world, at.instance, [{ key: damaged, what, archives: [at.archiveId] }]);
};
