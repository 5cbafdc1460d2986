/** Error codes of the configuration and of what people type: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const configErrors = errorGroup({
  ConfigInvalid: {
    retry: false,
    advice: 'Correct every line named above in the configuration file, then start again. Nothing was changed.',
  },
  ConfigMissing: {
    retry: false,
    advice: 'Name the configuration with --config, or try the program without one by `npm start`.',
  },
  SecretMissing: {
    retry: false,
    advice: 'Set the environment variable, or create the file, that the configuration refers to.',
  },
  InstanceUnknown: {
    retry: false,
    advice: 'Use one of the instance names that `/octo status` lists.',
  },
  CommandUnknown: { retry: false, advice: 'Nothing was started. `/octo help` lists every command.' },
  ArgumentInvalid: { retry: false, advice: 'Nothing was started. Correct the argument and send the command again.' },
  RunUnknown: { retry: false, advice: 'Use a run id that `/octo runs` lists.' },
  ServiceBusy: {
    retry: true,
    advice: 'Another octo process uses this data directory. Stop it, or send the command to it.',
  },
});
