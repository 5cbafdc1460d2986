/** Error codes of the worker, of locks and of leases: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const workerErrors = errorGroup({
  HostUnknown: {
    retry: false,
    advice: 'Start the worker with the name that this host has under hosts in octo.yml: octo worker <host>.',
  },
  LockHeld: {
    retry: false,
    advice: 'Another run works on this instance. Follow that run, or cancel it, and ask again when it has ended.',
  },
  FenceLost: {
    retry: false,
    advice: 'The run lost its instance to another one and stopped where it was. Follow the other run, then ask again.',
  },
  LeaseOpen: {
    retry: true,
    advice:
      'An earlier run has not given the server back yet. Its worker does so as soon as the lease ends and Octopus answers; then ask again.',
  },
  LeaseNotRestored: {
    retry: true,
    advice:
      'Octopus still shows the flag that was to be put back. See Configuration > Maintenance and Configuration > Nodes, and set it there if it stays.',
  },
  LeaseNotRenewed: {
    retry: true,
    advice:
      'The store could not be reached for too long to go on safely. Check the network and the store, then ask again.',
  },
  QuietLost: {
    retry: false,
    advice:
      'The server was given back to its users while the run was away, so its copy may be mixed. Ask for the backup again.',
  },
  QuietTooLong: {
    retry: false,
    advice:
      'The run needed more quiet time than the settings allow, and gave the server back. Raise quietMinutes or choose a calmer hour, then ask again.',
  },
  WorkerStopping: {
    retry: false,
    advice: 'The worker is being stopped. It continues its tasks when it is started again.',
  },
  TaskTooLate: {
    retry: false,
    advice: 'The task reached the worker after its time. Look why the worker was away, then ask for the run again.',
  },
  HostFileDamaged: {
    retry: false,
    advice:
      "A file in the worker's own directory cannot be read. Check the disk; look into the file, undo by hand what it describes, and move it away.",
  },
});
