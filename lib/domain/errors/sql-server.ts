/** Error codes of sql-server: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const sqlServerErrors = errorGroup({});
