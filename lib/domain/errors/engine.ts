/** Error codes of the workflow engine: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const engineErrors = errorGroup({
  DefinitionRefused: {
    retry: false,
    advice:
      'A workflow definition breaks the rules that are listed. Install the release again; if it stays, report it.',
  },
  EngineInUse: {
    retry: false,
    advice: 'Another process runs workflows in this directory. Use that process, or stop it first.',
  },
  EngineNotReady: {
    retry: true,
    advice:
      'The engine does not work on this run at the moment: it starts, stops, or could not read it. Restart it if that stays.',
  },
  JournalDamaged: {
    retry: false,
    advice:
      'A run cannot be read because its journal was changed or damaged on disk. Check the disk, move the named file away, restart, and put the server back with the runbook.',
  },
  JournalUnwritable: {
    retry: true,
    advice:
      'The engine cannot write down what happens. Make space on its disk or repair it; the run goes on by itself.',
  },
  RunNameTaken: {
    retry: false,
    advice: 'A run of this name was already started with another request. Look at that run, or ask again.',
  },
  TaskGone: {
    retry: false,
    advice: 'The workflow no longer waits for this task: it timed out or was answered. Nothing needs to be done.',
  },
  WorkflowUnknown: {
    retry: false,
    advice: 'This release has no workflow of that name. Install the release again; if it stays, report it.',
  },
});
