/**
 * What `show-configuration` prints, parted into the connection string and the settings that may be kept.
 * The whole output is secret; a setting is kept only when neither its name nor its value looks like one.
 */
import { Secret } from '../../domain/secrets/secret.ts';
import type { HostConfiguration } from '../../ports/octopus.ts';

type Setting = HostConfiguration['settings'][string];

const CONNECTION_STRING = 'Octopus.Storage.ExternalDatabaseConnectionString';
const SECRET_NAME = /connectionstring|licen[cs]e|password|secret|token|credential|passphrase|private|key$/i;
/** A password in a connection string or in an address, a key or certificate as text, or a value under the master key. */
const SECRET_VALUE =
  /\b(?:password|pwd)\s*=|:\/\/[^/\s]*:[^/\s]*@|-----BEGIN|^[A-Za-z0-9+/]+=*\|[A-Za-z0-9+/]{22}==$|^[A-Za-z0-9+/=\s]{200,}$/i;

/** `null` when the value is not a configuration with a connection string. */
export const hostConfiguration = (printed: unknown): HostConfiguration | null => {
  if (!isTree(printed)) return null;
  const settings = Object.fromEntries(flatten(printed));
  const connectionString = settings[CONNECTION_STRING];
  if (typeof connectionString !== 'string' || connectionString === '') return null;
  const kept = Object.entries(settings).filter(([name, value]) => !isSecret(name, value));
  return { connectionString: new Secret(connectionString), settings: Object.fromEntries(kept) };
};

const isSecret = (name: string, value: Setting): boolean =>
  SECRET_NAME.test(name) || (typeof value === 'string' && SECRET_VALUE.test(value));

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lists keep their place in the name, e.g. `Octopus.WebPortal.Hosts.0`. */
const flatten = (tree: object, prefix = ''): [string, Setting][] =>
  Object.entries(tree).flatMap(([name, value]: [string, unknown]): [string, Setting][] => {
    const path = `${prefix}${name}`;
    if (typeof value === 'object' && value !== null) return flatten(value, `${path}.`);
    return isSetting(value) ? [[path, value]] : [];
  });

const isSetting = (value: unknown): value is Setting =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
