/**
 * A secret store in a directory: each secret one file, AES-256-GCM, its name bound to it, readable by one account.
 *
 * The key comes from a passphrase or a key file by scrypt, with the salt in `header.json`; a sealed word there tells a wrong
 * passphrase from a damaged secret. The files are an object store's (`object-store.directory.ts`): created once, durable.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { Secret } from '../domain/secret.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { SecretStore } from '../ports/secret-store.ts';
import { directoryObjectStore } from './object-store.directory.ts';
import { checkSecretName, checkSecretSize } from './secret-rules.ts';

const HEADER = 'header.json';
const SECRETS = 'secrets/';
const HEADER_WORD = 'octo secret store';
const CIPHER = 'aes-256-gcm';
const MIN_KEY_FILE_BYTES = 32;
/** OWASP's second setting for scrypt: 32 MiB, a third of a second. */
const SCRYPT = { cost: 32_768, blockSize: 8, parallelization: 3 };
const SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024;

const Base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const Sealed = z.strictObject({ nonce: Base64, tag: Base64, cipherText: Base64 });
const Header = z.strictObject({
  format: z.literal(1),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    cost: z.number(),
    blockSize: z.number(),
    parallelization: z.number(),
    salt: Base64,
  }),
  check: Sealed,
});
type Sealed = z.output<typeof Sealed>;

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
        return file && new Secret(open(await key(), name, decode(Sealed, file.bytes, name)));
      }),
    list: (prefix) =>
      translated(() => Array.fromAsync(files.list(SECRETS + prefix), ({ key }) => key.slice(SECRETS.length))),
  };
};

/** The key of this store; makes the header of a new one. @throws SecretStoreLocked, KeyFileRefused, SecretDamaged */
const openKey = async (files: ObjectStore, options: DirectorySecretStoreOptions): Promise<Buffer> => {
  const material = await materialOf(options);
  const stored = await files.read(HEADER);
  if (stored === null) return (await makeHeader(files, material)) ?? openKey(files, options);
  const { kdf, check } = decode(Header, stored.bytes, HEADER);
  const key = await derive(material, kdf);
  if (openOrNull(key, HEADER, check) === HEADER_WORD) return key;
  throw new OctoError('SecretStoreLocked', `secret store "${options.directory}" does not open with this key`);
};

/** The key of a new store, or `null` when someone else was faster: then theirs is the header. */
const makeHeader = async (files: ObjectStore, material: Buffer): Promise<Buffer | null> => {
  for await (const { key } of files.list(SECRETS)) {
    throw new OctoError('SecretDamaged', `"${HEADER}" is gone, and with it the way to "${key}"`);
  }
  const kdf = { name: 'scrypt', ...SCRYPT, salt: randomBytes(32) };
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

type Kdf = { cost: number; blockSize: number; parallelization: number; salt: Buffer };

const derive = (material: Buffer, { salt, ...settings }: Kdf): Promise<Buffer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const { cost, blockSize, parallelization } = settings;
  const options = { cost, blockSize, parallelization, maxmem: SCRYPT_MEMORY_BYTES };
  scrypt(material, salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
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

const open = (key: Buffer, name: string, sealed: Sealed): string => {
  const text = openOrNull(key, name, sealed);
  if (text === null) throw new OctoError('SecretDamaged', `secret "${name}" does not open`);
  return text;
};

const openOrNull = (key: Buffer, name: string, { nonce, tag, cipherText }: Sealed): string | null => {
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(cipherText), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
};

const decode = <S extends z.ZodType>(schema: S, bytes: Buffer, name: string): z.output<S> => {
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
