/** What a person may change about an instance, kept in the state store; made with the product's defaults when first asked for. */
import { randomBytes } from 'node:crypto';
import { stateKeys } from '../domain/names.ts';
import { defaultSettings, Settings } from '../domain/settings.ts';
import type { World } from '../ports/world.ts';
import { UNCHANGED, update } from './update.ts';

/** The settings of the instance. The first to ask creates them, with a salt that then never changes. */
export const readSettings = async (world: Pick<World, 'state'>, instance: string): Promise<Settings> => {
  const fresh = defaultSettings(randomBytes(16).toString('hex'));
  const at = { key: stateKeys.settings(instance), schema: Settings };
  return (await update(world.state, at, (current) => (current ? UNCHANGED : fresh))) ?? fresh;
};
