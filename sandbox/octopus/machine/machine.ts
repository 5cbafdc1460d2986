/**
 * The machine an Octopus server is installed on: which instances it knows, their configuration files, its own machine
 * key, and the program. Two nodes of one cluster may be two instances on one machine.
 *
 * As on a real machine a copied configuration file does not give the master key: it is wrapped with the machine key
 * (which Windows keeps by DPAPI and Linux in `/etc/octopus/machinekey`).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Settings by the keys of a real configuration file; absent is not set. */
export type InstanceSettings = Partial<Record<SettingKey, string>>;
export type SettingKey =
  | 'Octopus.Home'
  | 'Octopus.Server.NodeName'
  | 'Octopus.Storage.ExternalDatabaseConnectionString'
  | 'Octopus.Storage.MasterKey'
  | 'Octopus.WebPortal.ListenPrefixes'
  | 'Octopus.Communications.ServicesPort';

export type RegisteredInstance = { name: string; configurationPath: string };

const registryDirectory = (machine: string): string => join(machine, 'etc', 'instances');
const registration = (machine: string, name: string): string => join(registryDirectory(machine), `${name}.json`);

/** Replaces the file whole: a reader sees the old or the new text. */
export const writeWhole = (path: string, text: string, mode = 0o644): void => {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
};

/** Registers an instance and writes its first configuration. */
export const createInstance = (
  machine: string,
  instance: RegisteredInstance & { settings: InstanceSettings },
): void => {
  mkdirSync(registryDirectory(machine), { recursive: true });
  writeConfiguration(instance.configurationPath, instance.settings);
  const { name, configurationPath } = instance;
  writeWhole(registration(machine, name), JSON.stringify({ name, configurationPath }));
};

/** Forgets the instance; its files stay. */
export const deleteInstance = (machine: string, name: string): void => rmSync(registration(machine, name));

/** Every instance this machine knows, by name. */
export const listInstances = (machine: string): RegisteredInstance[] => {
  if (!existsSync(registryDirectory(machine))) return [];
  return readdirSync(registryDirectory(machine))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(registryDirectory(machine), file), 'utf8')) as RegisteredInstance);
};

/** The instance, or `null` when the machine does not know it. */
export const findInstance = (machine: string, name: string): RegisteredInstance | null =>
  listInstances(machine).find((instance) => instance.name === name) ?? null;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escapeXml = (text: string): string => text.replaceAll(/[&<>"]/g, (mark) => ESCAPES[mark] ?? mark);
const unescapeXml = (text: string): string =>
  Object.entries(ESCAPES).reduceRight((plain, [mark, escaped]) => plain.replaceAll(escaped, mark), text);

/** The settings in a configuration file. */
export const readConfiguration = (configurationPath: string): InstanceSettings => {
  const settings: Record<string, string> = {};
  const lines = readFileSync(configurationPath, 'utf8').matchAll(/<set key="([^"]+)">([^<]*)<\/set>/g);
  for (const [, key = '', value = ''] of lines) settings[key] = unescapeXml(value);
  return settings;
};

/** Writes the configuration file anew. */
export const writeConfiguration = (configurationPath: string, settings: InstanceSettings): void => {
  const lines = Object.entries(settings).map(([key, value]) => `  <set key="${key}">${escapeXml(value)}</set>`);
  const text = ['<?xml version="1.0" encoding="utf-8"?>', '<octopus-settings>', ...lines, '</octopus-settings>', ''];
  writeWhole(configurationPath, text.join('\n'), 0o600);
};

/** The key that wraps what must not leave this machine; made at first use. */
const machineKey = (machine: string): Buffer => {
  const path = join(machine, 'etc', 'machinekey');
  if (!existsSync(path)) {
    mkdirSync(join(machine, 'etc'), { recursive: true });
    writeWhole(path, randomBytes(32).toString('base64'), 0o600);
  }
  return Buffer.from(readFileSync(path, 'utf8'), 'base64');
};

/** Wraps a master key for the configuration file. */
export const protect = (machine: string, masterKey: string): string => {
  const vector = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', machineKey(machine), vector);
  const wrapped = Buffer.concat([cipher.update(masterKey, 'utf8'), cipher.final()]);
  return Buffer.concat([vector, cipher.getAuthTag(), wrapped]).toString('base64');
};

/** The master key as base64; throws when it was wrapped on another machine. */
export const unprotect = (machine: string, wrapped: string): string => {
  const bytes = Buffer.from(wrapped, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', machineKey(machine), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
};

/** Puts the `Octopus.Server` program on the machine, bound to it as an installed one is, and returns its path. */
export const installProgram = (machine: string): string => {
  const isWindows = process.platform === 'win32';
  const path = join(machine, isWindows ? 'Octopus.Server.cmd' : 'Octopus.Server');
  const command = [process.execPath, fileURLToPath(new URL('../program/program.ts', import.meta.url)), machine];
  const script = isWindows
    ? `@${command.map((part) => `"${part}"`).join(' ')} %*\r\n`
    : `#!/bin/sh\nexec ${command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ')} "$@"\n`;
  mkdirSync(machine, { recursive: true });
  writeWhole(path, script, 0o755);
  return path;
};
