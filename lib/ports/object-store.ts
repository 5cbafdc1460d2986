/**
 * Named bytes: one S3 bucket, or one directory. Knows nothing of what the bytes mean.
 *
 * Keys are `/`-separated, never start with `/`, and are made in `domain/names.ts` only. Every write is conditional, so
 * two writers never overwrite each other unknowingly. A write that returned is durable, whatever is killed next; a write
 * that did not return either happened whole or not at all.
 *
 * Errors an adapter must tell apart: `StoreKeyExists` (a create lost: 412), `StoreChanged` (a change lost: 412),
 * `StoreConflict` (another conditional write was under way: 409, try again), `StoreUnavailable` (retry),
 * `StoreDenied`, `StoreFull`, `StoreDamaged` (the bytes are not those that were promised).
 */
export type ObjectStore = {
  /** The object, or the bytes `range.start` up to and without `range.end`; `null` when there is no such key. */
  read(key: string, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<ReadObject | null>;
  /** Size, tag, version and lock without the bytes; `null` when there is no such key. */
  head(key: string): Promise<HeldObject | null>;
  /** Writes a new object. @throws StoreKeyExists when the key is taken (`If-None-Match: *`). */
  create(key: string, bytes: Uint8Array, options?: WriteOptions): Promise<Written>;
  /** Replaces exactly the version that carries `etag` (`If-Match`). @throws StoreChanged when it is gone or another. */
  change(key: string, bytes: Uint8Array, options: WriteOptions & { etag: string }): Promise<Written>;
  /** Writes a new object of unknown length in bounded memory; visible only when whole. @throws StoreKeyExists */
  upload(key: string, parts: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Promise<Written>;
  /** Objects whose key starts with `prefix`, in byte order of the key, from the first one after `after`. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<StoredObject>;
  /** Room that is left, in bytes; absent where a store has no end of its own, as S3 has none. */
  freeBytes?(): Promise<number>;
  /**
   * Removes the object; a key that is not there is no error. Where the store keeps versions it only hides what was there;
   * with `version` exactly that one is gone for good. @throws StoreDenied for a version that is locked
   */
  delete(key: string, options?: { version?: string }): Promise<void>;
};

export type ByteRange = { start: number; end: number };
export type WriteOptions = {
  /** SHA-256 of `bytes` in hex where the caller has it; the store refuses other bytes with `StoreDamaged`. */
  sha256?: string;
  signal?: AbortSignal;
};
/** `etag` is opaque: it changes whenever the bytes do, and is what `change` compares. */
export type Written = { etag: string };
export type StoredObject = { key: string; sizeBytes: number; etag: string; modifiedAt: string };
/** `version` where the store keeps versions; `lockedUntil` (ISO 8601) where it lets nobody delete this one before then. */
export type HeldObject = StoredObject & { version?: string; lockedUntil?: string };
export type ReadObject = { bytes: Buffer; etag: string };
