/**
 * What a node does when its service starts: opens its database, proves its master key on the server certificate,
 * registers itself, and cancels the tasks it was running when it went down. It refuses to start where the original does.
 */
import { X509Certificate } from 'node:crypto';
import { decryptValue } from '../data/cipher.ts';
import type { Database } from '../data/database.ts';
import { openDatabase } from '../data/database.ts';
import { findInstance, readConfiguration, unprotect } from '../machine/machine.ts';
import { installationRow, nodeRow, OCTOPUS_VERSION } from '../seed/settings.ts';
import type { RunningNode } from './running-node.ts';
import { noFaults } from './running-node.ts';
import { seededRandom } from '../data/random.ts';
import { cancelOrphans } from './task-queue.ts';

export type StartedNode = Pick<RunningNode, 'id' | 'name' | 'home' | 'database' | 'startedAt'>;

/** The node of `instanceName`, ready to serve. */
export const openNode = async (machine: string, instanceName: string): Promise<StartedNode> => {
  const { name, home, connectionString, masterKey } = readNodeConfiguration(machine, instanceName);
  const database = await openDatabase(connectionString);
  try {
    await proveMasterKey(database, masterKey);
    const node = { id: `OctopusServerNodes-${name}`, name, home, database, startedAt: new Date() };
    await registerNode(node);
    await cancelOrphans({ ...node, faults: noFaults(), random: seededRandom(name), taskSeconds: { min: 0, max: 0 } });
    return node;
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
};

const readNodeConfiguration = (
  machine: string,
  instanceName: string,
): { name: string; home: string; connectionString: string; masterKey: Buffer } => {
  const instance = findInstance(machine, instanceName);
  if (instance === null) throw new Error(`there is no instance ${instanceName}`);
  const settings = readConfiguration(instance.configurationPath);
  const required = (key: keyof typeof settings): string => {
    const value = settings[key];
    if (value === undefined || value === '') throw new Error(`the setting ${key} is missing`);
    return value;
  };
  return {
    name: required('Octopus.Server.NodeName'),
    home: required('Octopus.Home'),
    connectionString: required('Octopus.Storage.ExternalDatabaseConnectionString'),
    masterKey: Buffer.from(unprotect(machine, required('Octopus.Storage.MasterKey')), 'base64'),
  };
};

/** Padding alone passes some wrong keys, so the plain text must be a certificate. */
const proveMasterKey = async (database: Database, masterKey: Buffer): Promise<void> => {
  const [row] = await database.query<{ JSON: string }>(
    "SELECT JSON FROM [Certificate] WHERE Id = 'certificate-global'",
  );
  if (row === undefined) throw new Error('the database holds no server certificate');
  const { CertificateData } = JSON.parse(row.JSON) as { CertificateData: string };
  if (!isCertificate(masterKey, CertificateData)) {
    throw new Error('the master key of this node does not match the database');
  }
};

const isCertificate = (masterKey: Buffer, stored: string): boolean => {
  try {
    return new X509Certificate(Buffer.from(decryptValue(masterKey, stored), 'base64')).fingerprint !== '';
  } catch {
    return false;
  }
};

const registerNode = async (node: StartedNode): Promise<void> => {
  const { database, id, name, startedAt } = node;
  const known = await database.query('SELECT Id FROM [OctopusServerNode] WHERE Id = @id', { id });
  if (known.length === 0) {
    await database.insert('OctopusServerNode', [nodeRow(name, startedAt)]);
    const history = await database.query('SELECT Id FROM [OctopusServerInstallationHistory]');
    const installation = { node: name, version: OCTOPUS_VERSION, at: startedAt };
    await database.insert('OctopusServerInstallationHistory', [installationRow(history.length + 1, installation)]);
  }
  await database.execute('UPDATE [OctopusServerNode] SET LastSeen = @now WHERE Id = @id', { id, now: startedAt });
};
