/** Error codes of slack: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const slackErrors = errorGroup({});
