/**
 * What the steps of one backup leave behind in its archive, each piece written once.
 *
 * A step that runs again finds its own finished work: whoever comes second gets what stands there. `archives.ts` puts
 * the sections together. Shapes are in `domain/archive.ts`, the layout in `docs/format.md`.
 */
import { createHash } from 'node:crypto';
import { sections, type Section, type SectionName } from '../domain/archives/archive.ts';
import { OctoError, isOctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';

export type ArchivePlace = { instance: string; archiveId: string };

/** The section as it stands in the archive afterwards: this one, or the one that an earlier attempt had written. */
export const writeSection = async <N extends SectionName>(
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
  { name, section }: { name: N; section: Section<N> },
): Promise<Section<N>> => {
  const bytes = Buffer.from(`${JSON.stringify(sections[name].parse(section), null, 2)}\n`);
  if (await createOnce(world, archiveKeys.section(at.instance, at.archiveId, name), bytes)) return section;
  return requireSection(world, at, name);
};

/** The section, or `null` while its step has not finished. @throws ArchiveDamaged */
export const readSection = async <N extends SectionName>(
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
  name: N,
): Promise<Section<N> | null> => {
  const key = archiveKeys.section(at.instance, at.archiveId, name);
  const object = await world.archives.read(key);
  if (object === null) return null;
  try {
    return sections[name].parse(JSON.parse(object.bytes.toString())) as Section<N>;
  } catch (cause) {
    throw new OctoError('ArchiveDamaged', `section ${name} of ${at.archiveId} cannot be read`, {
      cause,
      facts: { key },
    });
  }
};

/** The section of a step that must have finished. @throws SectionMissing, ArchiveDamaged */
export const requireSection = async <N extends SectionName>(
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
  name: N,
): Promise<Section<N>> => {
  const section = await readSection(world, at, name);
  if (section === null) throw new OctoError('SectionMissing', `${at.archiveId} has no section ${name}`);
  return section;
};

/** Puts a file such as `host.json` beside the sections; what stands there wins. Returns the SHA-256 of what stands there. */
export const writeArchiveFile = async (
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
  file: { name: string; bytes: Uint8Array },
): Promise<{ sha256: string }> => {
  const key = archiveKeys.file(at.instance, at.archiveId, file.name);
  if (await createOnce(world, key, file.bytes)) return { sha256: sha256Of(file.bytes) };
  return { sha256: sha256Of((await world.archives.read(key))!.bytes) };
};

/** Creates the object unless its key is taken. */
const createOnce = async (world: Pick<World, 'archives'>, key: string, bytes: Uint8Array): Promise<boolean> => {
  try {
    await world.archives.create(key, bytes, { sha256: sha256Of(bytes) });
    return true;
  } catch (thrown) {
    if (isOctoError(thrown, 'StoreKeyExists')) return false;
    throw thrown;
  }
};

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
