/**
 * Proves that an archive can be read back: every object it names is fetched whole and compared with its SHA-256, every
 * block unpacked, every file compared with its own. Changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import { archiveKeys } from '../domain/names.ts';
import { type Manifest, type SectionName, sections } from '../domain/archives/archive.ts';
import { OctoError, isOctoError } from '../domain/errors.ts';
import type { World } from '../ports/world.ts';
import { readManifest } from '../repository/archives.ts';
import { listArchives } from '../repository/catalog.ts';
import type { ArchivePlace } from '../repository/sections.ts';
import { readIndex, sha256Hex } from './pack/packs.ts';
import { COMPARE_ALL, type Damage, readPacks, wantedPacks } from './read-packs.ts';
import { sharedObjects } from './pack/shared-objects.ts';

export type Verification = {
  archiveId: string;
  objectCount: number;
  readBytes: number;
  fileCount: number;
  /** Each damaged object, what is wrong with it, and every archive that needs it. Empty: all is well. */
  damaged: (Damage & { archives: string[] })[];
};

type Watch = { signal?: AbortSignal | undefined; onProgress?: (done: { bytes: number; ofBytes: number }) => void };

/** @throws ArchiveUnknown, ArchiveTooNew, ArchiveDamaged when the manifest itself cannot be read */
export const verifyArchive = async (
  world: Pick<World, 'archives' | 'clock'>,
  at: ArchivePlace,
  watch: Watch = {},
): Promise<Verification> => {
  const manifest = await readManifest(world, at);
  if (manifest === null)
    throw new OctoError('ArchiveUnknown', `instance ${at.instance} has no archive ${at.archiveId}`);
  const damages = await damagesBeside(world, manifest);
  const parts = [
    await openPart(world, manifest.folders, { prefix: archiveKeys.packs(at.instance), damages }),
    await openPart(world, manifest.database, { prefix: archiveKeys.database(at.instance), damages }),
  ].filter((part) => part !== null);
  const packs = parts.flatMap(({ index, prefix }) => [...wantedPacks(index, prefix, COMPARE_ALL)]);
  const ofBytes = packs.reduce((sum, { pack }) => sum + pack.sizeBytes, 0);
  let readBytes = 0;
  const onRead = (bytes: number): void => {
    readBytes += bytes;
    watch.onProgress?.({ bytes: readBytes, ofBytes });
  };
  damages.push(...(await readPacks({ world, packs, isWhole: true, signal: watch.signal, onRead })));
  return {
    archiveId: at.archiveId,
    objectCount: packs.length + 3 + Object.keys({ ...manifest.files, ...sections }).length,
    readBytes,
    fileCount: parts.reduce((sum, { index }) => sum + index.files.paths.length, 0),
    damaged: await withArchives(world, at, damages),
  };
};

/** What is wrong with the objects that stand beside a manifest, each compared with what the manifest says. */
export const damagesBeside = async (world: Pick<World, 'archives'>, manifest: Manifest): Promise<Damage[]> => [
  ...(await verifyFiles(world, manifest)),
  ...(await verifySections(world, manifest)),
];

/** The files beside the manifest. */
const verifyFiles = async (world: Pick<World, 'archives'>, manifest: Manifest): Promise<Damage[]> => {
  const damages: Damage[] = [];
  for (const [name, sha256] of Object.entries(manifest.files)) {
    const key = archiveKeys.file(manifest.instance, manifest.archiveId, name);
    const object = await world.archives.read(key);
    if (object === null) damages.push({ key, what: 'is not in the store' });
    else if (sha256Hex(object.bytes) !== sha256) damages.push({ key, what: 'its bytes have another SHA-256' });
  }
  return damages;
};

/** The sections stand in the manifest and beside it: where the two differ, one of them is damaged. */
const verifySections = async (world: Pick<World, 'archives'>, manifest: Manifest): Promise<Damage[]> => {
  const damages: Damage[] = [];
  for (const name of Object.keys(sections) as SectionName[]) {
    const key = archiveKeys.section(manifest.instance, manifest.archiveId, name);
    const object = await world.archives.read(key);
    if (object === null) damages.push({ key, what: 'is not in the store' });
    else if (!isSame(object.bytes, manifest[name])) damages.push({ key, what: 'differs from what the manifest says' });
  }
  return damages;
};

const isSame = (bytes: Buffer, section: object): boolean => {
  try {
    return isDeepStrictEqual(JSON.parse(bytes.toString()), section);
  } catch {
    return false;
  }
};

type Section = { indexKey: string; indexSha256: string };

/** The index of a part; one that cannot be read is a damage, as what it names is out of reach. */
const openPart = async (
  world: Pick<World, 'archives'>,
  section: Section,
  { prefix, damages }: { prefix: string; damages: Damage[] },
) => {
  try {
    return { index: await readIndex(world, section), prefix };
  } catch (thrown) {
    if (!isOctoError(thrown, 'ArchiveDamaged', 'StoreDamaged')) throw thrown;
    damages.push({ key: section.indexKey, what: thrown.message });
    return null;
  }
};

/** Looks into the other archives only when something is damaged. */
const withArchives = async (
  world: Pick<World, 'archives' | 'clock'>,
  { instance, archiveId }: ArchivePlace,
  damages: Damage[],
): Promise<Verification['damaged']> => {
  const damaged = damages.map((damage) => ({ ...damage, archives: [archiveId] }));
  if (damaged.length === 0) return [];
  for await (const manifest of listArchives(world, instance)) {
    if (manifest.archiveId === archiveId) continue;
    const { sizes } = await sharedObjects(world, manifest);
    for (const { key, archives } of damaged) if (sizes.has(key)) archives.push(manifest.archiveId);
  }
  return damaged;
};
