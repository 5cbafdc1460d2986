/** Error codes of Octopus Deploy, its REST API and its program: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const octopusErrors = errorGroup({
  OctopusUnauthorized: {
    retry: false,
    advice:
      'Octopus does not know the API key. Make a new key for the bot’s service account and put it where the configuration points.',
  },
  OctopusForbidden: {
    retry: false,
    advice:
      'The API key’s user may not do this. Give the bot’s service account a team with the AdministerSystem permission.',
  },
  OctopusUnavailable: {
    retry: true,
    advice:
      'Octopus did not answer, or answered with a failure of its own. Look at its service and at Logs/OctopusServer.txt on its host.',
  },
  OctopusRejected: {
    retry: false,
    advice:
      'Octopus refused the request as it stands. Read its reason in the message; another change may be under way on the server.',
  },
  OctopusNotFound: {
    retry: false,
    advice:
      'The server has no such resource. Check that the configured address is that of an Octopus server, with its virtual directory.',
  },
  OctopusAnswerInvalid: {
    retry: false,
    advice:
      'Something other than the Octopus API answered at the configured address, such as a proxy or a login page. Configure the node’s own address.',
  },
  OctopusProgramMissing: {
    retry: false,
    advice:
      'There is no Octopus.Server program at the configured path. Correct the path, or run the worker on the Octopus host.',
  },
  OctopusProgramFailed: {
    retry: false,
    advice:
      'Run the named Octopus.Server command by hand on the host, from an elevated prompt. The worker’s account must be an administrator there.',
  },
  OctopusProgramStalled: {
    retry: true,
    advice:
      'An Octopus.Server command did not end in time and was stopped. Check that its database answers and that the host is not overloaded.',
  },
  MasterKeyUnreadable: {
    retry: false,
    advice:
      'Octopus.Server did not show a master key. Run its show-master-key command on the host from an elevated prompt, and keep the key before anything else.',
  },
});
