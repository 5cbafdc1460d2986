/** The files that a host's worker is installed with say what the program understands. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { type Config, readConfig } from '../../lib/config.ts';
import { startWorker } from '../../worker/main.ts';
import { memoryLog } from '../worker/support.ts';

const unit = readFileSync('infra/worker/octo-worker.service', 'utf8');
const service = readFileSync('infra/worker/octo-worker.xml', 'utf8');

test('both start the worker by its name, and give it time to put the server back', () => {
  expect(unit).toMatch(/^ExecStart=.* worker\/octo\.js worker \$\{OCTO_HOST\} --config /m);
  expect(service).toMatch(/worker\\octo\.js worker %OCTO_HOST% --config /);
  expect(unit).toContain('TimeoutStopSec=300');
  expect(service).toContain('<stoptimeout>300 sec</stoptimeout>');
});

test('a host that no instance has is told so, and so is a configuration without AWS', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-worker-start-'));
  try {
    const config = { ...readConfig('infra/example/octo.yml'), dataDirectory: directory };
    const environment = {
      OCTO_STATE_MACHINES: 'arn:-',
      OCTO_QUEUES: 'http://127.0.0.1/',
    };
    const start = (host: string, seen: Config) =>
      startWorker({ config: seen, host, environment, clock: systemClock, log: memoryLog() });
    await expect(start('elsewhere', config)).rejects.toMatchObject({ code: 'HostUnknown' });
    // The directory was let go.
    await expect(start('elsewhere', config)).rejects.toMatchObject({ code: 'HostUnknown' });
    await expect(start('prod-1', { ...config, aws: undefined })).rejects.toMatchObject({ code: 'ConfigInvalid' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
