/** A drill is asked for: the archive is chosen now, so that a newer one does not change what was asked for. */
import { chosenArchive, type DrillChoice, isDrillChoice } from '../../domain/drills/choice.ts';
import { OctoError } from '../../domain/errors.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { archiveIds, findArchive, latestGood } from '../../repository/catalog.ts';
import { damagedNames } from '../../repository/damage.ts';
import { requestRun, type RunRequest } from '../request.ts';

type DrillWorld = Parameters<typeof requestRun>[0];
/** `archive`: a choice, or however an archive is named. */
export type DrillRequest = Omit<RunRequest, 'workflow' | 'options'> & { archive: string };

/** The run that stands for this request. @throws DrillPlaceMissing, DrillWithoutArchive, ArchiveUnknown, and as `requestRun` */
export const requestDrill = async (
  world: DrillWorld,
  { archive, ...request }: DrillRequest,
): Promise<{ run: RunRecord; isJoined: boolean; archiveId: string }> => {
  if (world.drillPlace === undefined)
    throw new OctoError('DrillPlaceMissing', 'the configuration names no place for drills');
  const archiveId = await archiveNamed(world, request, archive);
  return {
    ...(await requestRun(world, { ...request, workflow: 'drill', options: { archive: archiveId } })),
    archiveId,
  };
};

const archiveNamed = async (
  world: DrillWorld,
  { instance, requestKey }: Pick<RunRequest, 'instance' | 'requestKey'>,
  archive: string,
): Promise<string> => {
  if (!isDrillChoice(archive)) return (await findArchive(world, instance, archive)).archiveId;
  const chosen = await choose(world, { instance, seed: requestKey }, archive);
  if (chosen !== null) return chosen;
  throw new OctoError('DrillWithoutArchive', `${instance} has no archive that could be tried`);
};

/** The newest is the newest good one, that a restore would take; of the others any that was not found damaged. */
const choose = async (
  world: Pick<World, 'archives' | 'clock'>,
  { instance, seed }: { instance: string; seed: string },
  choice: DrillChoice,
): Promise<string | null> => {
  if (choice === 'newest') return (await latestGood(world, instance))?.archiveId ?? null;
  const damaged = await damagedNames(world, instance);
  const ids = (await Array.fromAsync(archiveIds(world, instance))).filter((id) => !damaged.has(id));
  return chosenArchive(ids, choice, seed);
};
