/**
 * Where the workers are on other machines, is each of them alive, and what did it find there? Nobody else reaches the server, its
 * database and its folders, so the workers look themselves and leave what they saw in the state store.
 */
import { VERSION } from '../domain/version.ts';
import type { Instance } from '../domain/instance.ts';
import type { World } from '../ports/world.ts';
import { readHostReport, type HostReport } from '../repository/lease/host-report.ts';
import { fail, look, ok, warn, type Finding } from './finding.ts';

type HostWorld = Pick<World, 'state' | 'clock' | 'instance'>;

/** A worker reports every five minutes: two reports were missed. */
const SILENT_MINUTES = 12;

/** Do tasks for this instance wait in queues, for workers of their own? */
export const isServedElsewhere = ({ hosts }: Instance): boolean =>
  hosts.some(({ name, queueUrl = name }) => queueUrl !== name);

export const checkHosts = async (world: HostWorld, instance: string): Promise<Finding[]> => {
  const { hosts } = world.instance(instance);
  const found = await Promise.all(hosts.map(({ name }) => checkHost(world, { host: name, instance })));
  return found.flat();
};

const checkHost = async (
  world: HostWorld,
  { host, instance }: { host: string; instance: string },
): Promise<Finding[]> => {
  const subject = `worker on ${host}`;
  let seen: HostReport | null = null;
  const alive = await look(subject, async () => {
    seen = await readHostReport(world, host);
    return aliveness(subject, seen, minutesSince(world, seen?.seenAt));
  });
  const checked = (seen as HostReport | null)?.checks[instance];
  if (checked === undefined) return [alive];
  const age = `${minutesSince(world, checked.at)} min ago`;
  return [alive, ...checked.findings.map((finding) => ({ ...finding, text: `${finding.text}, seen ${age}` }))];
};

const aliveness = (subject: string, report: HostReport | null, minutes: number): Finding => {
  if (report === null)
    return fail(subject, 'has never reported', 'Install and start it there as docs/aws.md says; look at its log.');
  if (minutes > SILENT_MINUTES)
    return fail(
      subject,
      `silent for ${minutes} min`,
      'Start its service there, and look at its log and its certificate.',
    );
  const text = `alive ${minutes} min ago, version ${report.version} on Node ${report.node}`;
  return report.version === VERSION
    ? ok(subject, text)
    : warn(subject, `${text}, not ${VERSION}`, 'Install the same version on every host and in AWS.');
};

const minutesSince = ({ clock }: Pick<World, 'clock'>, at: string | undefined): number =>
  at === undefined ? 0 : Math.max(0, Math.round((clock.now().getTime() - Date.parse(at)) / 60_000));
