/**
 * The service of an instance, as the operating system's service manager keeps it: what is wanted (written by the
 * program) and what is (written by the server process). One file each with one writer each, so a kill tears nothing.
 * A stopped service stays stopped when the sandbox starts again.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
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

/** The server process ends: nobody manages the service from now on. */
export const removeStatus = (machine: string, instance: string): void =>
  rmSync(serviceFile(machine, instance, 'status'), { force: true });

export const writeStatus = (machine: string, instance: string, status: Omit<ServiceStatus, 'pid'>): void =>
  writeJson(serviceFile(machine, instance, 'status'), { ...status, pid: process.pid });

/** Asks for a state and waits for the server process; `null` when there is none, or it did not answer in time. */
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
    if (status === null || !isAlive(status.pid)) return null;
    if (status.request >= number) return status;
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
