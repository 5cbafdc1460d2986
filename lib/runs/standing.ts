/** Reads how an instance stands: its archives, its settings, its runs, and its server, which may not answer. */
import { OctoError } from '../domain/errors.ts';
import { nextSlot } from '../domain/settings/schedule.ts';
import type { Standing } from '../domain/settings/standing.ts';
import type { World } from '../ports/world.ts';
import { latestGood } from '../repository/catalog.ts';
import { listRuns } from '../repository/run-book.ts';
import { readSettings } from '../repository/settings.ts';

/** How the instance stands now. */
export const readStanding = async (world: World, instance: string): Promise<Standing> => {
  const [maintenance, newest, settings, runs] = await Promise.all([
    readMaintenance(world, instance),
    latestGood(world, instance),
    readSettings(world, instance),
    listRuns(world, { instance, limit: 10 }),
  ]);
  const now = world.clock.now();
  const ageSeconds = newest === null ? 0 : Math.round((now.getTime() - Date.parse(newest.takenAt)) / 1000);
  return {
    instance,
    ...maintenance,
    latestGood:
      newest === null
        ? null
        : {
            archive: newest.archiveId,
            takenAt: newest.takenAt,
            ageSeconds,
            keyProof: {
              opened: newest.proof.opened,
              sampled: newest.proof.sampled,
              fingerprint: newest.keys.masterKeyFingerprint,
            },
          },
    targetSeconds: settings.targetHours * 3600,
    pause: settings.pause,
    nextRun: nextSlot(settings, now),
    running: runs.filter((run) => run.status === 'running'),
  };
};

const readMaintenance = async (
  world: Pick<World, 'octopusApi'>,
  instance: string,
): Promise<Pick<Standing, 'maintenance' | 'maintenanceReason'>> => {
  try {
    const isOn = await (await world.octopusApi(instance)).isInMaintenance();
    return { maintenance: isOn ? 'on' : 'off', maintenanceReason: null };
  } catch (thrown) {
    return { maintenance: 'unknown', maintenanceReason: OctoError.from(thrown).message };
  }
};
