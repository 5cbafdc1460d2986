/** The master key that the host of the target has: set where it must be another, read back, and set back on the way back. */
import { fingerprintOf } from '../../domain/archives/master-key.ts';
import { OctoError } from '../../domain/errors.ts';
import { secretNames } from '../../domain/names.ts';
import type { Secret } from '../../domain/secrets/secret.ts';
import type { World } from '../../ports/world.ts';
import { changeJournal, readJournal } from '../../repository/restore-journal.ts';
import { readSettings } from '../../repository/settings.ts';
import { keepSecret, readMasterKey } from '../planning/kept-keys.ts';

type KeyWorld = Pick<World, 'octopusProgram' | 'secretStore' | 'state' | 'hostDirectory'>;
type OfRun = { id: string; instance: string };

/** Sets `key` on the host, unless it has it; the present one is kept in the secret store first. @throws MasterKeyNotTaken */
export const setMasterKey = async (world: KeyWorld, { id, instance }: OfRun, key: Secret): Promise<boolean> => {
  const { salt } = await readSettings(world, instance);
  const present = await world.octopusProgram(instance).showMasterKey();
  if (present.equals(key)) return false;
  const [before, after] = [fingerprintOf(present, salt), fingerprintOf(key, salt)];
  await keepSecret(world, secretNames.masterKey(instance, before), present);
  await keepSecret(world, secretNames.masterKey(instance, after), key);
  await changeJournal(world, id, (journal) => ({ ...journal, masterKey: journal.masterKey ?? { before, after } }));
  await giveToHost(world, instance, key);
  return true;
};

/** The host has the key again that it had before this run. @throws MasterKeyNotTaken, SecretNotKept */
export const masterKeyBack = async (world: KeyWorld, { id, instance }: OfRun): Promise<void> => {
  const change = (await readJournal(world, id))?.masterKey;
  if (!change) return;
  const { salt } = await readSettings(world, instance);
  const key = await readMasterKey(world, { instance, masterKeyFingerprint: change.before, salt });
  const present = await world.octopusProgram(instance).showMasterKey();
  if (!present.equals(key)) await giveToHost(world, instance, key);
};

const giveToHost = async (world: KeyWorld, instance: string, key: Secret): Promise<void> => {
  const program = world.octopusProgram(instance);
  await program.setMasterKey(key);
  if ((await program.showMasterKey()).equals(key)) return;
  throw new OctoError('MasterKeyNotTaken', `the host of ${instance} does not show the master key that was set`);
};
