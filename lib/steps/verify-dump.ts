/**
 * What of the dump can wait until people work again, so that quiet is no longer than it must be: SQL Server reads the
 * whole file once more, the master key is still the one that was saved, the logins of the database are written down.
 *
 * A dump that does not stand up to it is a failed backup, and the server has been given back already. Its file is left to
 * the next dump and to the worker's sweeper.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import { fingerprintOf } from '../domain/archives/master-key.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { readSection, requireSection, writeArchiveFile, writeSection } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { dumpFile } from './parts/dump-file.ts';
import { defineStep, type StepContext } from './step.ts';
import { watched } from './parts/watched.ts';

const Output = z.strictObject({ verifiedAt: z.string() });

/** @throws KeyRotatedDuringBackup, BackupDamaged, BackupIncomplete, and what else SQL Server said */
export const step = defineStep(
  { name: 'verify-dump', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) =>
    (await readSection(world, archivePlace(context.run), 'verification')) ?? (await verifyDump(world, context)),
);

const verifyDump = async (world: World, context: StepContext): Promise<Section<'verification'>> => {
  const { run } = context;
  const { sqlServerPath } = dumpFile(world, run);
  await requireSameKey(world, run);
  await writeLogins(world, run);
  const sqlServer = await world.sqlServer(run.instance);
  const text = 'verifying the backup file';
  await context.beat({ percent: 0, text });
  await watched(context, text, (watch) => sqlServer.verifyBackup(sqlServerPath, watch));
  const section = { verifiedAt: world.clock.now().toISOString() };
  return writeSection(world, archivePlace(run), { name: 'verification', section });
};

/** Equal before the dump and after it: no other key was in use between. */
const requireSameKey = async (world: World, run: RunRecord): Promise<void> => {
  const saved = await requireSection(world, archivePlace(run), 'keys');
  const present = fingerprintOf(await world.octopusProgram(run.instance).showMasterKey(), saved.salt);
  if (present === saved.masterKeyFingerprint) return;
  throw new OctoError('KeyRotatedDuringBackup', `the master key of ${run.instance} is not the one that was saved`, {
    facts: { saved: saved.masterKeyFingerprint, present },
  });
};

const writeLogins = async (world: World, run: RunRecord): Promise<void> => {
  const { database } = dumpFile(world, run);
  const logins = await (await world.sqlServer(run.instance)).logins(database);
  const bytes = Buffer.from(`${JSON.stringify({ database, logins }, null, 2)}\n`);
  await writeArchiveFile(world, archivePlace(run), { name: 'logins.json', bytes });
};
