/** What a person may change about an instance, kept in the state store; made with the product's defaults when first asked for. */
import { randomBytes } from 'node:crypto';
import { OctoError } from '../domain/errors.ts';
import { stateKeys } from '../domain/names.ts';
import { settingChanges, type SettingChange } from '../domain/settings/setting-fields.ts';
import { defaultSettings, Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';
import { UNCHANGED, update } from './update.ts';

type State = Pick<World, 'state'>;

/** The settings of the instance. The first to ask creates them, with a salt that then never changes. */
export const readSettings = async (world: State, instance: string): Promise<Settings> => {
  const fresh = defaultSettings(randomBytes(16).toString('hex'));
  return (await update(world.state, settingsAt(instance), (current) => (current ? UNCHANGED : fresh))) ?? fresh;
};

/**
 * Changes the settings, whatever they are by now. `change` may be called again after a lost race; what it throws ends it.
 * Answers what changed.
 */
export const changeSettings = async (
  world: State,
  instance: string,
  change: (current: Settings) => Settings,
): Promise<{ settings: Settings; changes: SettingChange[] }> => {
  await readSettings(world, instance);
  let changes: SettingChange[] = [];
  const settings = await update(world.state, settingsAt(instance), (current) => {
    if (current === null) throw new OctoError('Bug', `the settings of ${instance} are gone`);
    const next = change(current);
    changes = settingChanges(current, next);
    return JSON.stringify(next) === JSON.stringify(current) ? UNCHANGED : { ...next, salt: current.salt };
  });
  return { settings: settings!, changes };
};

/** Refuses when the settings are not those that the person saw. @throws SettingsChanged, naming what changed meanwhile */
export const refuseChangedSince = (seen: Settings, current: Settings): void => {
  const meanwhile = settingChanges(seen, current);
  if (meanwhile.length === 0) return;
  const named = meanwhile.map(({ name, before, after }) => `${name} from "${before}" to "${after}"`).join(', ');
  throw new OctoError('SettingsChanged', `the settings were changed while the form was open: ${named}`);
};

const settingsAt = (instance: string) => ({ key: stateKeys.settings(instance), schema: Settings });
