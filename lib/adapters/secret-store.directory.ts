/**
 * A secret store in a directory: each secret one file, AES-256-GCM, its name bound to it, readable by one account.
 *
 * The key comes from a passphrase by scrypt, or from a key file, which is random already, by HKDF; `header.json` holds the
 * salt, and a sealed word that tells a wrong passphrase from a damaged secret. The files are those of an object store
 * (`object-store.directory.ts`): created once, durable.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { SealedText, SecretStoreHeader } from '../domain/secrets/secret-file.ts';
import type { KeyDerivation } from '../domain/secrets/secret-file.ts';
import { checkSecretName, checkSecretSize } from '../domain/secrets/secret-rules.ts';
import { Secret } from '../domain/secrets/secret.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import { directoryObjectStore } from './object-store.directory.ts';

const HEADER = 'header.json';
const SECRETS = 'secrets/';
const HEADER_WORD = 'octo secret store';
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const MIN_KEY_FILE_BYTES = 32;
/** OWASP's second setting for scrypt: 32 MiB, a third of a second. */
const SCRYPT = { cost: 32_768, blockSize: 8, parallelization: 3 };
const SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024;

export type DirectorySecretStoreOptions = { directory: string } & ({ passphrase: Secret } | { keyFile: string });

/** A secret store below `directory`, which is made when the first secret is created. */
export const directorySecretStore = (options: DirectorySecretStoreOptions): SecretStore => {
  const files = directoryObjectStore({ directory: options.directory, isPrivate: true });
  let opened: Promise<Buffer> | undefined;
  const key = async (): Promise<Buffer> => {
    opened ??= openKey(files, options);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  return {
    create: (name, value) =>
      translated(async () => {
        checkSecretName(name);
        checkSecretSize(name, value);
        const sealed = seal(await key(), name, value.reveal());
        return createOnce(files, SECRETS + name, sealed);
      }),
    read: (name) =>
      translated(async () => {
        checkSecretName(name);
        const file = await files.read(SECRETS + name);
        return file && new Secret(open(await key(), name, decode(SealedText, file.bytes, name)));
      }),
    list: (prefix) =>
      translated(() => Array.fromAsync(files.list(SECRETS + prefix), ({ key }) => key.slice(SECRETS.length))),
  };
};

/** The key of this store; makes the header of a new one. @throws SecretStoreLocked, KeyFileRefused, SecretDamaged */
const openKey = async (files: ObjectStore, options: DirectorySecretStoreOptions): Promise<Buffer> => {
  const material = await materialOf(options);
  const stored = await files.read(HEADER);
  if (stored === null) return (await makeHeader(files, options, material)) ?? openKey(files, options);
  const { kdf, check } = decode(SecretStoreHeader, stored.bytes, HEADER);
  const key = await derive(material, kdf);
  if (openOrNull(key, HEADER, check) === HEADER_WORD) return key;
  throw new OctoError('SecretStoreLocked', `secret store "${options.directory}" does not open with this key`);
};

/** The key of a new store, or `null` when someone else was faster: then theirs is the header. */
const makeHeader = async (
  files: ObjectStore,
  options: DirectorySecretStoreOptions,
  material: Buffer,
): Promise<Buffer | null> => {
  for await (const { key } of files.list(SECRETS)) {
    throw new OctoError('SecretDamaged', `"${HEADER}" is gone, and with it the way to "${key}"`);
  }
  const salt = randomBytes(32);
  const kdf: KeyDerivation = 'keyFile' in options ? { name: 'hkdf-sha256', salt } : { name: 'scrypt', salt, ...SCRYPT };
  const key = await derive(material, kdf);
  const header = {
    format: 1,
    kdf: { ...kdf, salt: kdf.salt.toString('base64') },
    check: seal(key, HEADER, HEADER_WORD),
  };
  return (await createOnce(files, HEADER, header)) === 'created' ? key : null;
};

const createOnce = async (files: ObjectStore, key: string, content: unknown): Promise<'created' | 'exists'> => {
  try {
    await files.create(key, Buffer.from(`${JSON.stringify(content, null, 2)}\n`));
    return 'created';
  } catch (error) {
    if (isOctoError(error, 'StoreKeyExists')) return 'exists';
    throw error;
  }
};

const materialOf = async (options: DirectorySecretStoreOptions): Promise<Buffer> => {
  if ('passphrase' in options) return Buffer.from(options.passphrase.reveal().normalize('NFC'));
  const { keyFile } = options;
  try {
    // Windows has no such bits; there the folder's rights decide.
    const isExposed = process.platform !== 'win32' && ((await stat(keyFile)).mode & 0o077) !== 0;
    if (isExposed) throw new OctoError('KeyFileRefused', `key file "${keyFile}" can be read by other accounts`);
    const material = await readFile(keyFile);
    if (material.length >= MIN_KEY_FILE_BYTES) return material;
    throw new OctoError('KeyFileRefused', `key file "${keyFile}" has only ${material.length} bytes`);
  } catch (error) {
    if (error instanceof OctoError) throw error;
    throw new OctoError('KeyFileRefused', `key file "${keyFile}" cannot be read`, { cause: error });
  }
};

const derive = async (material: Buffer, kdf: KeyDerivation): Promise<Buffer> => {
  if (kdf.name === 'hkdf-sha256') return Buffer.from(hkdfSync('sha256', material, kdf.salt, HEADER_WORD, KEY_BYTES));
  const { cost, blockSize, parallelization } = kdf;
  const options = { cost, blockSize, parallelization, maxmem: SCRYPT_MEMORY_BYTES };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(material, kdf.salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
};

/** Encrypts `text` so that it opens only under `name`. */
const seal = (key: Buffer, name: string, text: string): { nonce: string; tag: string; cipherText: string } => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(name));
  const cipherText = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    cipherText: cipherText.toString('base64'),
  };
};

const open = (key: Buffer, name: string, sealed: SealedText): string => {
  const text = openOrNull(key, name, sealed);
  if (text === null) throw new OctoError('SecretDamaged', `secret "${name}" does not open`);
  return text;
};

const openOrNull = (key: Buffer, name: string, { nonce, tag, cipherText }: SealedText): string | null => {
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(cipherText), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
};

const decode = <T>(schema: { parse(json: unknown): T }, bytes: Buffer, name: string): T => {
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new OctoError('SecretDamaged', `the file of "${name}" is not what was written`, { cause: error });
  }
};

const translated = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (isOctoError(error, 'StoreDenied')) throw asSecretError('SecretStoreDenied', error);
    if (isOctoError(error, 'StoreUnavailable', 'StoreFull')) throw asSecretError('SecretStoreUnavailable', error);
    if (isOctoError(error, 'StoreDamaged')) throw asSecretError('SecretDamaged', error);
    throw error;
  }
};

const asSecretError = (code: 'SecretStoreDenied' | 'SecretStoreUnavailable' | 'SecretDamaged', cause: OctoError) =>
  new OctoError(code, cause.message, { cause, facts: cause.facts });
