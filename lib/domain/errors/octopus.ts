/** Error codes of octopus: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const octopusErrors = errorGroup({});
