/**
 * Makes the archive: checks that everything it names is in the store, compares it with the last good one, puts the
 * restore guide beside it, and writes the manifest last. Needs only the store. Twice is once: the first manifest stands.
 */
import * as z from 'zod';
import { packsOfIndex } from '../archive/index/index-text.ts';
import { listPacks, sha256Hex } from '../archive/pack/packs.ts';
import { restoreGuide, restoreScript } from '../archive/restore-guide.ts';
import { FORMAT_VERSION, type Manifest, type SectionName, sections } from '../domain/archives/archive.ts';
import { gapsOfLeftOut } from '../domain/archives/left-out.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import { deviations } from '../domain/archives/shape.ts';
import { Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';
import { readManifest, writeManifest } from '../repository/archives.ts';
import { latestGood } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import { holdArchive } from '../repository/holds.ts';
import { type ArchivePlace, requireSection, writeArchiveFile } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { defineStep, type StepContext } from './step.ts';

const Input = z.strictObject({
  instance: z.string(),
  gaps: z.array(z.string()),
  tolerance: Settings.shape.tolerance,
});
const Output = z.strictObject({
  archiveId: z.string(),
  word: z.enum(['good', 'gaps', 'suspicious']),
  /** Cut at 20: the manifest has them all. */
  gaps: z.array(z.string()),
  unusual: z.array(z.string()),
  takenAt: z.string(),
  totalBytes: z.number(),
  addedBytes: z.number(),
  databaseBytes: z.number(),
  fileCount: z.number(),
  fileBytes: z.number(),
});

const GAPS_IN_OUTPUT = 20;

export const step = defineStep(
  { name: 'seal-archive', runsOn: 'cloud', input: Input, output: Output },
  async (world, { gaps, tolerance }, { run, beat }) => {
    const at = archivePlace(run);
    const sealed = (await readManifest(world, at)) ?? (await seal(world, at, { run, gaps, tolerance, beat }));
    if (run.workflow === 'restore') await hold(world, at, run.id);
    const { folders, database } = sealed;
    return {
      archiveId: sealed.archiveId,
      word: sealed.word,
      gaps: sealed.gaps.slice(0, GAPS_IN_OUTPUT),
      unusual: sealed.unusual ?? [],
      takenAt: sealed.takenAt,
      totalBytes: folders.sizeBytes + database.sizeBytes,
      addedBytes: folders.addedBytes + database.addedBytes,
      databaseBytes: database.sizeBytes,
      fileCount: folders.fileCount,
      fileBytes: folders.sizeBytes,
    };
  },
);

/** It is what an unhappy restore is undone with, so it stays until somebody releases it. */
const hold = async (world: Pick<World, 'state' | 'clock'>, at: ArchivePlace, runId: string): Promise<void> => {
  const reason = `the server as it was before ${runId}`;
  await holdArchive(world, at, { by: runId, reason, heldAt: world.clock.now().toISOString() });
};

type Store = Pick<World, 'archives' | 'clock'>;
type Sections = Pick<Manifest, SectionName>;

type Sealing = { run: StepContext['run']; gaps: string[]; tolerance: Settings['tolerance']; beat: StepContext['beat'] };

const seal = async (world: Store, at: ArchivePlace, { run, ...found }: Sealing): Promise<Manifest> => {
  const parts = await readSections(world, at);
  await assertStored(world, at, parts);
  const last = await latestGood(world, at.instance, at.archiveId);
  const unusual = last === null ? [] : deviations(parts, last, found.tolerance);
  const gaps = [...found.gaps, ...gapsOfFolders(parts.folders), ...gapsOfLeftOut(parts.folders.leftOut)];
  const head = { archiveId: at.archiveId, instance: at.instance, takenAt: parts.dump.startedAt };
  await writeArchiveFile(world, at, text('restore.sh', restoreScript({ ...head, ...parts })));
  await writeArchiveFile(world, at, text('RESTORE.md', restoreGuide({ ...head, ...parts })));
  const files = await filesBeside(world, at);
  // A run that took too long has been reported without its archive: then there must be none.
  await found.beat({ text: 'writing the manifest' });
  return writeManifest(world, {
    format: FORMAT_VERSION,
    ...head,
    runId: run.id,
    sealedAt: world.clock.now().toISOString(),
    word: unusual.length > 0 ? 'suspicious' : gaps.length > 0 ? 'gaps' : 'good',
    gaps,
    unusual,
    ...(run.workflow === 'restore' && { isSafety: true }),
    ...parts,
    files,
  });
};

const text = (name: string, content: string) => ({ name, bytes: Buffer.from(content) });

const readSections = async (world: Store, at: ArchivePlace): Promise<Sections> => {
  const names = Object.keys(sections) as SectionName[];
  const read = await Promise.all(names.map(async (name) => [name, await requireSection(world, at, name)] as const));
  return Object.fromEntries(read) as Sections;
};

/** Every pack that the indexes name is in the store with its size, and none was found damaged. @throws PackMissing, PackDamaged */
const assertStored = async (
  world: Store,
  { instance }: ArchivePlace,
  { folders, database }: Sections,
): Promise<void> => {
  const damaged = await damagedNames(world, instance);
  for (const [section, prefix] of [
    [folders, archiveKeys.packs(instance)],
    [database, archiveKeys.database(instance)],
  ] as const) {
    const index = await world.archives.read(section.indexKey);
    if (index === null || sha256Hex(index.bytes) !== section.indexSha256) throw missing([section.indexKey]);
    const present = await listPacks(world, prefix);
    const packs = packsOfIndex(index.bytes);
    const absent = packs.filter(({ sha256, sizeBytes }) => present.get(sha256) !== sizeBytes);
    if (absent.length > 0) throw missing(absent.map(({ sha256 }) => `${prefix}${sha256}`));
    const marked = [section.indexSha256, ...packs.map(({ sha256 }) => sha256)].filter((name) => damaged.has(name));
    if (marked.length > 0) throw markedDamaged(marked);
  }
};

const KEYS_NAMED = 20;

const missing = (keys: string[]): OctoError =>
  new OctoError('PackMissing', `${keys.length} objects of this archive are not in the store as they were written`, {
    facts: { keys: keys.slice(0, KEYS_NAMED) },
  });

const markedDamaged = (names: string[]): OctoError =>
  new OctoError('PackDamaged', `${names.length} objects of this archive were found damaged`, {
    facts: { names: names.slice(0, KEYS_NAMED) },
  });

/** A file that was there and could not be taken is a gap; one that changed or vanished meanwhile is Octopus at work. */
const gapsOfFolders = ({ lostCount = 0, problems }: Sections['folders']): string[] => {
  if (lostCount === 0) return [];
  const examples = problems.slice(0, 3).map(({ path, what }) => `${path} ${what}`);
  return [`${lostCount} ${lostCount === 1 ? 'file' : 'files'} could not be taken: ${examples.join('; ')}`];
};

/** SHA-256 of what steps have put beside the sections. */
const filesBeside = async (world: Store, at: ArchivePlace): Promise<Record<string, string>> => {
  const files: Record<string, string> = {};
  const prefix = archiveKeys.archive(at.instance, at.archiveId);
  for await (const { key } of world.archives.list(prefix)) {
    const name = key.slice(prefix.length);
    if (name.includes('/') || name === 'manifest.json') continue;
    files[name] = sha256Hex((await world.archives.read(key))!.bytes);
  }
  return files;
};
