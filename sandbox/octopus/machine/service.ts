/**
 * The service of an instance, as the operating system's service manager keeps it: what is wanted (written by the
 * program) and what is (written by the server process). One file each with one writer each, so a kill tears nothing.
 * A stopped service stays stopped when the sandbox starts again.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from './machine.ts';

export type WantedService = { state: 'running' | 'stopped'; request: number };
export type ServiceStatus = { state: 'running' | 'stopped' | 'failed'; request: number; pid: number; reason: string };

const POLL_MS = 50;

const serviceFile = (machine: string, instance: string, kind: 'wanted' | 'status'): string =>
  join(machine, 'etc', 'services', `${instance}.${kind}.json`);

const readJson = (path: string): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);

const writeJson = (path: string, value: unknown): void => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeWhole(path, JSON.stringify(value));
};

/** What the service should be; a new service should run. */
export const readWanted = (machine: string, instance: string): WantedService =>
  (readJson(serviceFile(machine, instance, 'wanted')) as WantedService | null) ?? { state: 'running', request: 0 };

export const readStatus = (machine: string, instance: string): ServiceStatus | null =>
  readJson(serviceFile(machine, instance, 'status')) as ServiceStatus | null;

export const writeStatus = (machine: string, instance: string, status: Omit<ServiceStatus, 'pid'>): void =>
  writeJson(serviceFile(machine, instance, 'status'), { ...status, pid: process.pid });

/** Asks for a state and waits until the server process has answered; `null` when it did not within the time. */
export const requestService = async (
  machine: string,
  instance: string,
  request: { state: WantedService['state']; timeoutMs: number },
): Promise<ServiceStatus | null> => {
  const number = readWanted(machine, instance).request + 1;
  writeJson(serviceFile(machine, instance, 'wanted'), { state: request.state, request: number });
  const givenUpAt = Date.now() + request.timeoutMs;
  while (Date.now() < givenUpAt) {
    const status = readStatus(machine, instance);
    if (status !== null && status.request >= number) return status;
    if (status !== null && !isAlive(status.pid)) return null;
    await sleep(POLL_MS);
  }
  return null;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
