/** What the tests of a restore and their child processes both know. */
import { join } from 'node:path';

/** The run whose folders are restored. */
export const RUN = 'run_7F3K9Q2M';

/** Places of the server that `serverWorld` makes. */
export const targetsIn = (server: string) => [
  { name: 'packages', path: join(server, 'Packages') },
  { name: 'task-logs', path: join(server, 'TaskLogs') },
];
