/** Error codes of drills: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const drillErrors = errorGroup({
  DrillPlaceMissing: {
    retry: false,
    advice:
      'Name a host and a SQL Server for drills under drill.host in octo.yml. Where there is none, drill.onProduction: true allows them on the SQL Server of the instance, slowed down and only with room to spare.',
  },
  DrillWithoutArchive: {
    retry: false,
    advice: 'Take a backup first, or look with /octo backup list at what was found damaged.',
  },
});
