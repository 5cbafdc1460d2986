/** What `check` says of workers on other machines, by what they reported, and what a worker reports. */
import { describe, expect, it } from 'vitest';
import { checkHosts, isServedElsewhere } from '../../lib/checks/hosts.ts';
import { VERSION } from '../../lib/domain/version.ts';
import { type HostReport, readHostReport, writeHostReport } from '../../lib/repository/lease/host-report.ts';
import { keepReporting } from '../../worker/host/reporter.ts';
import { testClock } from '../clock.ts';
import { eventually } from '../journeys/installation.ts';
import { makeWorld, memoryLog } from '../worker/support.ts';

const clock = testClock();
const world = () => makeWorld({ clock });
const hostOf = (seen: ReturnType<typeof world>) => seen.instance('prod').hosts[0]!.name;

const report = (minutesAgo: number, version = VERSION): HostReport => {
  const seenAt = new Date(clock.now().getTime() - minutesAgo * 60_000).toISOString();
  const finding = { subject: 'database', verdict: 'FAIL' as const, text: 'there is none', act: 'Make one.' };
  return { version, node: '24.0.0', startedAt: seenAt, seenAt, checks: { prod: { at: seenAt, findings: [finding] } } };
};

describe('checkHosts', () => {
  it('fails for a worker that never reported', async () => {
    expect(await checkHosts(world(), 'prod')).toEqual([
      expect.objectContaining({ verdict: 'FAIL', text: 'has never reported' }),
    ]);
  });

  it('shows one that is alive, and what it saw', async () => {
    const at = world();
    await writeHostReport(at, { host: hostOf(at), report: report(2) });
    expect(await checkHosts(at, 'prod')).toEqual([
      expect.objectContaining({ verdict: 'OK', text: expect.stringContaining('alive 2 min ago') }),
      { subject: 'database', verdict: 'FAIL', text: 'there is none, seen 2 min ago', act: 'Make one.' },
    ]);
  });

  it('fails for one that fell silent, and warns of one that was left behind', async () => {
    const at = world();
    await writeHostReport(at, { host: hostOf(at), report: report(13) });
    expect((await checkHosts(at, 'prod'))[0]).toMatchObject({ verdict: 'FAIL', text: 'silent for 13 min' });
    await writeHostReport(at, { host: hostOf(at), report: report(1, '0.0.1') });
    expect((await checkHosts(at, 'prod'))[0]).toMatchObject({
      verdict: 'WARN',
      text: expect.stringContaining('0.0.1') as string,
    });
  });

  it('tells instances with workers of their own from those of this machine', () => {
    const instance = world().instance('prod');
    const at = (queueUrl: string) => ({ ...instance, hosts: [{ ...instance.hosts[0]!, queueUrl }] });
    expect(isServedElsewhere(instance)).toBe(false);
    expect(isServedElsewhere(at(instance.hosts[0]!.name))).toBe(false);
    expect(isServedElsewhere(at('https://sqs.eu-central-1.amazonaws.com/1/octo-prod-1'))).toBe(true);
  });
});

it('reports at once, with what it found, and stops when it is told to', async () => {
  const at = world();
  const stop = new AbortController();
  const host = hostOf(at);
  const reporting = keepReporting(at, { host, signal: stop.signal, log: memoryLog() });
  const seen = await eventually('a report with checks', async () => {
    const found = await readHostReport(at, host);
    return found?.checks['prod'] === undefined ? null : found;
  });
  stop.abort();
  await reporting;
  expect(seen).toMatchObject({ version: VERSION, node: process.versions.node });
  expect(seen.checks['prod']!.findings.map(({ subject }) => subject)).toContain('Octopus API');
});
