/** Error codes of the backup workflow and its steps: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const backupErrors = errorGroup({
  PlanRefused: {
    retry: false,
    advice: 'Mend each point that is listed, then ask again.',
  },
  MaintenanceNotTaken: {
    retry: false,
    advice:
      'Octopus accepted the change of maintenance mode but does not show it. See Configuration > Maintenance and who else changes it, then ask for the backup again.',
  },
  DrainNotTaken: {
    retry: false,
    advice:
      'A node does not stop taking tasks. See Configuration > Nodes: remove a node that is gone, or drain it there, then ask for the backup again.',
  },
  TasksStillRunning: {
    retry: false,
    advice:
      'Wait for the tasks that are named or cancel them, then ask again; or ask with consistency:online, or let the settings go on online by themselves.',
  },
  DumpNotTrusted: {
    retry: false,
    advice:
      'The backup file is not what was asked of SQL Server. Look for other backup software that writes to the same share, then ask for the backup again.',
  },
  WorkerSilent: {
    retry: false,
    advice:
      'The worker on the Octopus host did not answer. Start its service and read its log; it puts the server back by itself as soon as it runs. Then ask for the backup again.',
  },
  StepTimedOut: {
    retry: false,
    advice: 'The step took longer than it may. Look at the load of the Octopus host and of SQL Server, then ask again.',
  },
  WorkflowFault: {
    retry: false,
    advice: 'The workflow engine refused or lost the step. Read the history of the run, and report it with the run id.',
  },
});
