/**
 * A process that writes to a directory store until it is done or killed, and says on stdout what was acknowledged.
 * Started by `object-store.directory.test.ts`: `node directory-writer.ts <what> <directory> <name> <times>`.
 */
import { writeSync } from 'node:fs';
import * as z from 'zod';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { isOctoError, OctoError } from '../../lib/domain/errors.ts';
import { update } from '../../lib/repository/update.ts';

const [, , what = '', directory = '', name = '', times = '0'] = process.argv;
const store = directoryObjectStore({ directory });
const say = (line: string) => writeSync(1, `${line}\n`);

const Count = z.strictObject({ count: z.number() });

const create = async (at: number): Promise<void> => {
  const key = `${name}/${at % 7}/${at}`;
  await store.create(key, Buffer.from(key.repeat(1_000)));
  say(key);
};

const raise = async (): Promise<void> => {
  const raised = await update(store, { key: 'count.json', schema: Count }, (current) => ({
    count: (current?.count ?? 0) + 1,
  }));
  say(String(raised?.count));
};

const race = async (at: number): Promise<void> => {
  try {
    await store.create(`race/${at}`, Buffer.from(name));
    say(`${at} ${name}`);
  } catch (error) {
    if (!isOctoError(error, 'StoreKeyExists')) throw error;
  }
};

const fill = async (): Promise<void> => {
  try {
    await store.create(name, Buffer.alloc(1024 * 1024));
    say('stored');
  } catch (error) {
    say(OctoError.from(error).code);
  }
};

const acts: Record<string, (at: number) => Promise<void>> = { create, raise, race, fill };
for (let at = 0; at < Number(times); at++) await acts[what]?.(at);
