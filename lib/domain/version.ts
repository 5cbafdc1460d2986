/** Which release this is: functions and workers say it, so that one that was left behind is seen. */
import manifest from '../../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
