/**
 * The master key of the archive on the host, where the host has another one: without it Octopus does not start on the
 * restored database. The host's own key is kept in the secret store first, for the way back and for older archives.
 */
import * as z from 'zod';
import { readMasterKey } from './planning/kept-keys.ts';
import { setMasterKey } from './restoring/master-key-on-host.ts';
import { requireArchive } from './restoring/restore-of-run.ts';
import { defineStep } from './step.ts';

/** @throws MasterKeyNotTaken, SecretNotKept, MasterKeyUnreadable */
export const step = defineStep(
  { name: 'load-keys', runsOn: 'host', input: z.strictObject({}), output: z.strictObject({ isReplaced: z.boolean() }) },
  async (world, _input, { run, beat }) => {
    const { manifest } = await requireArchive(world, run);
    const key = await readMasterKey(world, { instance: manifest.instance, ...manifest.keys });
    await beat({ text: `master key ${manifest.keys.masterKeyFingerprint}` });
    return { isReplaced: await setMasterKey(world, run, key) };
  },
);
