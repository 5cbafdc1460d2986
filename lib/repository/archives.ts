/**
 * The manifest: written last, read first. Its existence is the archive.
 *
 * What the objects it names mean is in `lib/archive`; how manifests are found is in `catalog.ts`. @see docs/format.md
 */
import { FORMAT_VERSION, Manifest } from '../domain/archives/archive.ts';
import { OctoError, isOctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { readAcceptance, type Acceptance } from './people/acceptances.ts';
import type { ArchivePlace } from './sections.ts';

/** A manifest with the word that its archive counts as: `good` where somebody has accepted it. */
export type CountedManifest = Manifest & { accepted?: Acceptance };

/** The manifest, or `null` when there is no such archive. @throws ArchiveDamaged, ArchiveTooNew */
export const readManifest = async (
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
): Promise<CountedManifest | null> => {
  const key = archiveKeys.manifest(at.instance, at.archiveId);
  const object = await world.archives.read(key);
  if (object === null) return null;
  const manifest = parseManifest(object.bytes, key);
  const accepted = manifest.word === 'good' ? null : await readAcceptance(world, at);
  return accepted === null ? manifest : { ...manifest, word: 'good', accepted };
};

const parseManifest = (bytes: Buffer, key: string): Manifest => {
  try {
    const content = JSON.parse(bytes.toString()) as { format?: unknown };
    if (typeof content.format === 'number' && content.format > FORMAT_VERSION) {
      throw new OctoError('ArchiveTooNew', `${key} has format ${content.format}, this program reads ${FORMAT_VERSION}`);
    }
    return Manifest.parse(content);
  } catch (cause) {
    if (isOctoError(cause)) throw cause;
    throw new OctoError('ArchiveDamaged', 'the manifest cannot be read', { cause, facts: { key } });
  }
};

/** Makes the archive exist. The manifest that stands there afterwards: an earlier attempt's wins. */
export const writeManifest = async (world: Pick<World, 'archives'>, manifest: Manifest): Promise<Manifest> => {
  const { instance, archiveId } = manifest;
  const bytes = Buffer.from(`${JSON.stringify(Manifest.parse(manifest), null, 2)}\n`);
  try {
    await world.archives.create(archiveKeys.manifest(instance, archiveId), bytes);
    return manifest;
  } catch (thrown) {
    const standing = isOctoError(thrown, 'StoreKeyExists') ? await readManifest(world, { instance, archiveId }) : null;
    if (standing === null) throw thrown;
    return standing;
  }
};
