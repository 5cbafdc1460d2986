/** Error codes of keys: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const keysErrors = errorGroup({});
