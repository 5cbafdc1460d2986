/** Error codes of worker: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const workerErrors = errorGroup({});
