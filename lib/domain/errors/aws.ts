/** Error codes of the AWS services that run workflows and carry tasks: see `entry.ts`. The stores have codes of their own. */
import { errorGroup } from './entry.ts';

export const awsErrors = errorGroup({
  AwsUnavailable: {
    retry: true,
    advice:
      'AWS does not answer, or asks to be called less often. Try again in a minute; if it stays, look at the AWS Health Dashboard and at the network of this machine.',
  },
  AwsDenied: {
    retry: false,
    advice:
      'AWS refused access. Check that the credentials have not expired, and that the role named in the log may do what the message says.',
  },
  AwsRefused: {
    retry: false,
    advice:
      'AWS does not take this request. Check the names under `aws` in the configuration; if they are right, report it.',
  },
  HostQueueMissing: {
    retry: false,
    advice:
      'The queue of this host does not exist. Add the host to octo.yml and deploy again, or correct `aws.queues` on the worker.',
  },
  TaskUnreadable: {
    retry: false,
    advice:
      'A message in the queue of this host is not one of ours. It moves to the dead-letter queue by itself; find out who else may write to the queue.',
  },
  HandOverFailed: {
    retry: true,
    advice: 'The request did not reach the part of the bot that carries it out, and nothing was started. Try it again.',
  },
});
