import { describe, expect, test } from 'vitest';
import { plannedStates } from '../../lib/workflows/index.ts';
import { GOOD, HOST, play, RUN, type Script } from './backup-runtime.ts';

const input = { run: RUN, instance: 'prod', hosts: [{ name: HOST, queueUrl: HOST }], awaitSeconds: null };
const playKeys = (script: Script) => play({ workflow: 'keys', input, good: GOOD }, script);
const reportOf = (asked: { state: string; input: unknown }[]) => asked.find(({ state }) => state === 'Report')?.input;

describe('saving the keys', () => {
  test('saves, and reports what was kept by its fingerprint', async () => {
    const kept = { output: { masterKeyFingerprint: '0011', licenseFingerprint: '2233', gaps: [] } };
    const { states, ended, asked } = await playKeys({ SaveKeys: kept });
    expect(states).toEqual(plannedStates('keys', {}));
    expect(ended.status).toBe('SUCCEEDED');
    expect(reportOf(asked)).toMatchObject({
      failure: null,
      notes: ['master key 0011 is in the secret store', 'license 2233 is in the secret store'],
    });
  });

  test('a server without a license is no failure', async () => {
    const { asked } = await playKeys({});
    expect(reportOf(asked)).toMatchObject({
      notes: [expect.any(String), 'the server holds no license that could be saved'],
    });
  });

  test('a failure is reported, and what passes is tried again', async () => {
    const failed = { Report: { output: { word: 'failed', code: 'MasterKeyUnreadable', message: 'no key' } } };
    const { states, ended, asked } = await playKeys({ SaveKeys: { fails: 'MasterKeyUnreadable' }, ...failed });
    expect(states).toEqual(['SaveKeys', 'Report']);
    expect(reportOf(asked)).toMatchObject({ failure: { state: 'SaveKeys', error: 'MasterKeyUnreadable' }, notes: [] });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'MasterKeyUnreadable' });
    const again = await playKeys({ SaveKeys: [{ fails: 'SecretStoreUnavailable' }, { output: GOOD['SaveKeys'] }] });
    expect(again.asked.filter(({ state }) => state === 'SaveKeys')).toHaveLength(2);
    expect(again.ended.status).toBe('SUCCEEDED');
  });

  test('a report that cannot be written at all ends the execution as failed', async () => {
    const { states, ended } = await playKeys({ Report: { fails: 'Bug' } });
    expect(states).toEqual(['SaveKeys', 'Report']);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Bug' });
  });
});
