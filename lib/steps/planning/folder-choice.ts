/** Which folders a backup takes: as its request says, else as the settings do. Asked once, by the plan, which the run keeps to. */
import { chooseFolders, type LeftOut } from '../../domain/archives/left-out.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import { parseFolders } from '../../domain/settings/fields/folders-field.ts';
import type { World } from '../../ports/world.ts';
import { placesOf } from '../../archive/index/places.ts';
import { readPlan } from '../../repository/approvals.ts';
import { readSettings } from '../../repository/settings.ts';

type Place = { name: string; path: string };
type Chosen = { taken: Place[]; leftOut: LeftOut[] };

/** As request and settings choose now, among the folders that the server names now. */
export const foldersChosen = async (
  world: Pick<World, 'state' | 'octopusApi' | 'instance'>,
  run: Pick<RunRecord, 'instance' | 'options'>,
): Promise<Chosen> => {
  const { folders: setting } = await readSettings(world, run.instance);
  const { folders } = run.options;
  const asked = typeof folders === 'string' ? parseFolders(folders) : undefined;
  return chooseFolders(await placesOf(world, run.instance), { setting, asked });
};

/** As the plan of the run has it; everything where the run is no backup of its own. */
export const foldersPlanned = async (
  world: Pick<World, 'state' | 'octopusApi' | 'instance'>,
  run: Pick<RunRecord, 'id' | 'instance'>,
): Promise<Chosen> => {
  const places = await placesOf(world, run.instance);
  const plan = await readPlan(world, run.id);
  if (plan?.workflow !== 'backup') return { taken: places, leftOut: [] };
  const { folders, leftOut = [] } = plan;
  return { taken: places.filter((place) => folders.some(({ name }) => name === place.name)), leftOut };
};
