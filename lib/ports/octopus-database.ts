/**
 * What we read of the Octopus database: tables as Octopus lays them out, never changed by this port.
 *
 * A document is in `JSON` (text) or `JSONBlob` (compressed) or both; the adapter reads either form.
 */
import type { Secret } from '../domain/secrets/secret.ts';

export type OctopusDatabase = {
  /** Rows per table: the counts of an archive's manifest, compared after a restore. */
  counts(): Promise<Record<string, number>>;
  /** Schema level: how many upgrade scripts were applied, and the name of the last one; the version that last ran. */
  schema(): Promise<{ scriptCount: number; lastScript: string; lastVersion: string | null }>;
  /** Up to `limit` encrypted values, spread over the tables and documents that hold them, newest and oldest among them. */
  encryptedValues(limit: number): Promise<EncryptedValue[]>;
  /** How many documents are known to carry sensitive content, so that "nothing to prove" can be told from "none there". */
  sensitiveDocumentCount(): Promise<number>;
  /** Packages of the built-in feeds that the database lists, in pages; memory stays bounded. */
  packages(): AsyncIterable<ListedPackage>;
  /** Artifacts that the database lists. */
  artifacts(): AsyncIterable<ListedArtifact>;
  /** Up to `limit` tasks that have ended, newest first: each has a log. */
  endedTasks(limit: number): Promise<{ id: string; spaceId: string | null }[]>;
  close(): Promise<void>;
};

/** `cipherText` is the stored text `base64(ciphertext)|base64(iv)`. Not secret by itself; its plain content is. */
export type EncryptedValue = {
  table: string;
  id: string;
  /** Where in the document, e.g. `Variables[3].Value`. */
  path: string;
  kind: 'text' | 'certificate';
  cipherText: Secret;
};

/** `createdAt` (ISO 8601, UTC) is when Octopus took the file in; `null` where the row does not tell. */
export type ListedPackage = {
  id: string;
  packageId: string;
  version: string;
  spaceId: string | null;
  fileExtension: string;
  createdAt: string | null;
};
export type ListedArtifact = { id: string; fileName: string; spaceId: string | null; createdAt: string | null };
