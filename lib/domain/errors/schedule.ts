/** Error codes of settings and schedule: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const scheduleErrors = errorGroup({
  CronInvalid: {
    retry: false,
    advice:
      'Nothing was changed. Type five fields, e.g. "0 */4 * * *" for every four hours, "30 1 * * mon-fri" for half past one on working days, or off.',
  },
  SettingInvalid: {
    retry: false,
    advice: 'Nothing was changed. `/octo backup settings` shows every setting with what it may be.',
  },
  SettingNotYours: {
    retry: false,
    advice: 'Nothing was changed. Ask one of the people who can; `/octo backup settings` shows whom the setting names.',
  },
  SettingsChanged: {
    retry: false,
    advice:
      'Somebody else changed the settings meanwhile, as named. Open them again and decide anew; nothing of yours was written.',
  },
});
