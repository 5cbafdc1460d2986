/**
 * Is the restored copy what the archive promises? Its rows against the manifest, its secrets opened with the key as the
 * secret store gives it back, its pages by DBCC CHECKDB. Nothing is changed, and nobody works with it yet.
 */
import { proveKey } from '../../../domain/archives/master-key.ts';
import { countDifferences, type CountDifference } from '../../../domain/restores/copy.ts';
import type { CopyProof } from '../../../domain/restores/database.ts';
import { isOctoError, OctoError } from '../../../domain/errors.ts';
import type { World } from '../../../ports/world.ts';
import { readMasterKey } from '../../planning/kept-keys.ts';
import { watched } from '../watched.ts';
import type { Beating, Loading } from './load-file.ts';
import type { ScratchDatabase } from '../scratch-database.ts';

type Copy = Pick<Loading, 'instance' | 'manifest'> & { scratch: ScratchDatabase; isChecked: boolean };

/** As many values as a backup samples: a wrong key never opens a dozen. */
const SAMPLES = 12;

/** @throws RestoredCopyDiffers, RestoredCopyDamaged, KeyDoesNotOpenData, SecretNotKept */
export const proveCopy = async (
  world: Pick<World, 'octopusDatabase' | 'secretStore' | 'sqlServer'>,
  { instance, manifest, scratch, isChecked }: Copy,
  context: Beating,
): Promise<CopyProof> => {
  const content = await world.octopusDatabase(instance, scratch.name);
  try {
    await context.beat({ text: 'comparing the rows of the copy with the archive' });
    const counts = await content.counts();
    const notes = requireCounts(counts, manifest.dump);
    await context.beat({ text: 'opening secrets of the copy' });
    const key = await readMasterKey(world, { instance: manifest.instance, ...manifest.keys });
    const sensitive = await content.sensitiveDocumentCount();
    const values = await content.encryptedValues(SAMPLES);
    const { opened, verdict, unopened } = proveKey(key, values);
    const keyProof = { opened, sampled: values.length };
    if (verdict === 'wrong')
      throw new OctoError('KeyDoesNotOpenData', `the key opens ${opened} of ${values.length} values of the copy`, {
        facts: { ...keyProof, unopened },
      });
    if (isChecked) await checkPages(world, { instance, scratch }, context);
    const gaps = [
      ...(verdict === 'damaged' ? [`the key opens ${opened} of ${values.length} values of the restored database`] : []),
      ...(verdict === 'nothing' && sensitive > 0 ? ['no encrypted value of the restored database could be read'] : []),
    ];
    const skipped = isChecked ? [] : ['DBCC CHECKDB of the copy was left out, as the settings say'];
    return { counts, keyProof, isChecked, gaps, notes: [...notes, ...skipped] };
  } finally {
    // An open connection would be in the way of the swap.
    await content.close();
  }
};

/** Notes on what may differ and does. */
const requireCounts = (counts: Record<string, number>, promised: Parameters<typeof countDifferences>[1]): string[] => {
  const differences = countDifferences(counts, promised);
  const wrong = differences.filter(({ isExplained }) => !isExplained);
  if (wrong.length > 0)
    throw new OctoError('RestoredCopyDiffers', `the copy differs from the archive: ${named(wrong)}`, {
      facts: { tables: wrong.map(({ table }) => table) },
    });
  return differences.length === 0 ? [] : [`written while the archive was being taken: ${named(differences)}`];
};

const NAMED_AT_MOST = 5;

const named = (differences: readonly CountDifference[]): string => {
  const shown = differences.slice(0, NAMED_AT_MOST).map(({ table, has, promised }) => `${table} ${has} of ${promised}`);
  const more = differences.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more tables`] : [])].join(', ');
};

const checkPages = async (
  world: Pick<World, 'sqlServer'>,
  { instance, scratch: { name } }: Pick<Copy, 'instance' | 'scratch'>,
  context: Beating,
): Promise<void> => {
  const sqlServer = await world.sqlServer(instance);
  const text = `DBCC CHECKDB of ${name}`;
  await context.beat({ text });
  try {
    await watched(context, text, (watch) => sqlServer.checkDatabase(name, watch));
  } catch (cause) {
    if (!isOctoError(cause, 'DatabaseDamaged')) throw cause;
    throw new OctoError('RestoredCopyDamaged', cause.message, { cause, facts: cause.facts });
  }
};
