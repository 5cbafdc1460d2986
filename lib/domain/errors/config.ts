/** Error codes of config: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const configErrors = errorGroup({});
