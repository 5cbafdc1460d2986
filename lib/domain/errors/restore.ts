/** Error codes of restores, from the plan to the way back: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const restoreErrors = errorGroup({
  LossesBeyondPlan: {
    retry: false,
    advice:
      'People went on working since the plan was shown, so the approval no longer holds. Nothing was overwritten; ask again to see what would be lost now.',
  },
  ServerNotStopped: {
    retry: false,
    advice:
      'The Octopus service does not stop, or something starts it again. Look for a watchdog task on its host, then ask for the restore again.',
  },
  ServerNotHealthy: {
    retry: false,
    advice:
      'Octopus does not come up on what was restored. Its own log on the host says why; the archive may need another version or another key.',
  },
  MasterKeyNotTaken: {
    retry: false,
    advice:
      'The host does not show the master key that was set on it. Look at the rights of the worker on the Octopus configuration, then ask for the restore again.',
  },
  ProbeFailed: {
    retry: false,
    advice:
      'The restored server does not show what the archive holds. Verify the archive with /octo backup verify, or restore an older one.',
  },
  ReturnNotProven: {
    retry: false,
    advice:
      'The target was put back, but not every count is as it was. Compare the tables that are named before people work again; the safety archive has the state from before.',
  },
});
