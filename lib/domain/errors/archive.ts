/** Error codes of archive: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const archiveErrors = errorGroup({});
