/** Error codes of engine: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const engineErrors = errorGroup({});
