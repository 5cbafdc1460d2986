/** One process at a time works on a data directory: on one machine, and as the worker of a host in AWS. */
import { join } from 'node:path';
import { processLock } from '../lib/adapters/directory/process-lock.ts';
import { OctoError } from '../lib/domain/errors.ts';

/** Gives what releases the directory; a process that is just stopping is waited for. @throws ServiceBusy */
export const holdData = (dataDirectory: string): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const hold = processLock(join(dataDirectory, 'lock'));
    hold(() => new Promise<void>((release) => resolve(release))).catch((cause: unknown) => {
      reject(new OctoError('ServiceBusy', `another process works on ${dataDirectory}`, { cause }));
    });
  });
