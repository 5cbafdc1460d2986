/** Error codes of store: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const storeErrors = errorGroup({});
