/** Error codes of backup: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const backupErrors = errorGroup({});
