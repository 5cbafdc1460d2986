/**
 * What every object store must do: one suite, run on each adapter, each stand-in and, on request, a real service.
 * `open` gives an empty store.
 */
import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { probeConditionalWrites } from '../../lib/repository/probe-store.ts';
import type { ObjectStore, StoredObject } from '../../lib/ports/object-store.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const text = async (store: ObjectStore, key: string) => (await store.read(key))?.bytes.toString();

const keysOf = async (objects: AsyncIterable<StoredObject>): Promise<string[]> =>
  (await Array.fromAsync(objects)).map((object) => object.key);

const chunks = async function* (...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
};

const settled = async (writes: Promise<unknown>[]) => {
  const results = await Promise.allSettled(writes);
  return {
    won: results.filter((result) => result.status === 'fulfilled').length,
    codes: results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as { code: string }).code] : [],
    ),
  };
};

export const objectStoreContract = (name: string, open: () => Promise<ObjectStore>): void => {
  let store: ObjectStore;
  beforeEach(async () => {
    store = await open();
  });

  describe(`${name}: reading and creating`, () => {
    test('what was created comes back, with the tag and size that head and list give', async () => {
      const { etag } = await store.create('a/b.json', bytes('hello'));
      expect(await store.read('a/b.json')).toEqual({ bytes: bytes('hello'), etag });
      const head = await store.head('a/b.json');
      expect(head).toEqual({ key: 'a/b.json', sizeBytes: 5, etag, modifiedAt: expect.any(String) });
      expect(Math.abs(Date.parse(head!.modifiedAt) - Date.now())).toBeLessThan(600_000);
      expect(await Array.fromAsync(store.list(''))).toEqual([head]);
    });

    test('an absent key is null, also below an object', async () => {
      await store.create('a/b', bytes('x'));
      for (const key of ['a', 'a/c', 'z', 'z/z']) {
        expect(await store.read(key)).toBeNull();
        expect(await store.head(key)).toBeNull();
      }
    });

    test('ranges are cut at the end, and may hold nothing', async () => {
      await store.create('ten', bytes('0123456789'));
      const ranges: [number, number, string][] = [
        [0, 4, '0123'],
        [3, 4, '3'],
        [8, 50, '89'],
        [10, 12, ''],
        [99, 100, ''],
        [4, 4, ''],
      ];
      for (const [start, end, expected] of ranges) {
        expect(String((await store.read('ten', { range: { start, end } }))?.bytes)).toBe(expected);
      }
      expect(await store.read('none', { range: { start: 0, end: 1 } })).toBeNull();
    });

    test('an object may be empty', async () => {
      await store.create('empty', bytes(''));
      expect((await store.read('empty'))?.bytes.length).toBe(0);
      expect((await store.head('empty'))?.sizeBytes).toBe(0);
    });

    test('a taken key is never overwritten, whatever the bytes', async () => {
      await store.create('once', bytes('first'));
      await expect(store.create('once', bytes('second'))).rejects.toMatchObject({ code: 'StoreKeyExists' });
      await expect(store.create('once', bytes('first'))).rejects.toMatchObject({ code: 'StoreKeyExists' });
      expect(await text(store, 'once')).toBe('first');
    });

    test('bytes other than the promised ones are refused and leave nothing', async () => {
      const promised = sha256(bytes('promised'));
      await expect(store.create('k', bytes('others'), { sha256: promised })).rejects.toMatchObject({
        code: 'StoreDamaged',
      });
      expect(await store.head('k')).toBeNull();
      const { etag } = await store.create('k', bytes('promised'), { sha256: promised });
      await expect(store.change('k', bytes('others'), { etag, sha256: promised })).rejects.toMatchObject({
        code: 'StoreDamaged',
      });
      expect(await text(store, 'k')).toBe('promised');
    });

    test('bytes in shared memory are taken as well', async () => {
      const shared = new Uint8Array(new SharedArrayBuffer(300_000)).fill(7);
      await store.create('shared', shared, { sha256: sha256(shared) });
      expect((await store.read('shared'))?.bytes.equals(Buffer.alloc(300_000, 7))).toBe(true);
    });
  });

  describe(`${name}: changing and deleting`, () => {
    test('a change needs the present tag', async () => {
      const first = await store.create('record', bytes('1'));
      const second = await store.change('record', bytes('2'), { etag: first.etag });
      expect(second.etag).not.toBe(first.etag);
      await expect(store.change('record', bytes('3'), { etag: first.etag })).rejects.toMatchObject({
        code: 'StoreChanged',
      });
      expect(await store.read('record')).toEqual({ bytes: bytes('2'), etag: second.etag });
    });

    test('what is gone cannot be changed', async () => {
      const { etag } = await store.create('record', bytes('1'));
      await store.delete('record');
      await expect(store.change('record', bytes('2'), { etag })).rejects.toMatchObject({ code: 'StoreChanged' });
      expect(await store.head('record')).toBeNull();
    });

    test('a deleted key is free again; deleting nothing is no error', async () => {
      await store.create('record', bytes('1'));
      await store.delete('record');
      await store.delete('record');
      await store.create('record', bytes('2'));
      expect(await text(store, 'record')).toBe('2');
    });

    test('tags differ through twenty changes of one length', async () => {
      let { etag } = await store.create('record', bytes('00'));
      const tags = new Set([etag]);
      for (let turn = 1; turn <= 20; turn++) {
        ({ etag } = await store.change('record', bytes(String(turn).padStart(2, '0')), { etag }));
        tags.add(etag);
      }
      expect(tags.size).toBe(21);
    });

    test('of many who create at once, one wins', async () => {
      const writes = Array.from({ length: 8 }, (_, writer) => store.create('race', bytes(`writer ${writer}`)));
      const { won, codes } = await settled(writes);
      expect(won).toBe(1);
      expect(new Set([...codes, 'StoreKeyExists', 'StoreConflict'])).toEqual(
        new Set(['StoreKeyExists', 'StoreConflict']),
      );
      expect(await text(store, 'race')).toMatch(/^writer \d$/);
    });

    test('of many who change one version, one wins', async () => {
      const { etag } = await store.create('race', bytes('start'));
      const writes = Array.from({ length: 8 }, (_, writer) =>
        store.change('race', bytes(`writer ${writer}`), { etag }),
      );
      const { won, codes } = await settled(writes);
      expect(won).toBe(1);
      expect(new Set([...codes, 'StoreChanged', 'StoreConflict'])).toEqual(new Set(['StoreChanged', 'StoreConflict']));
    });

    test('the probe finds both conditions honoured and leaves nothing', async () => {
      expect(await probeConditionalWrites(store, 'probe')).toEqual({
        createIsConditional: true,
        changeIsConditional: true,
      });
      expect(await store.head('probe')).toBeNull();
    });
  });
  uploading(name, () => store);
  listing(name, () => store);
};

const uploading = (name: string, store: () => ObjectStore): void => {
  describe(`${name}: uploading`, () => {
    test.each([0, 1, 5_000])('a short stream of %i bytes arrives whole', async (sizeBytes) => {
      const content = randomBytes(sizeBytes);
      const { etag } = await store().upload('up', chunks(content.subarray(0, 1), content.subarray(1)));
      expect(await store().read('up')).toEqual({ bytes: content, etag });
    });

    test('a stream of several parts arrives whole, under the tag that head gives', async () => {
      const content = randomBytes(20 * 1024 * 1024 + 17);
      const pieces = Array.from({ length: 21 }, (_, at) => content.subarray(at * 1024 * 1024, (at + 1) * 1024 * 1024));
      const { etag } = await store().upload('up', chunks(...pieces));
      expect((await store().head('up'))?.etag).toBe(etag);
      expect((await store().read('up'))?.bytes.equals(content)).toBe(true);
      const range = { start: 16 * 1024 * 1024 - 5, end: 16 * 1024 * 1024 + 5 };
      expect((await store().read('up', { range }))?.bytes).toEqual(content.subarray(range.start, range.end));
    });

    test.each([10, 9 * 1024 * 1024])('a taken key is not replaced by %i bytes', async (sizeBytes) => {
      await store().create('up', bytes('first'));
      await expect(store().upload('up', chunks(Buffer.alloc(sizeBytes)))).rejects.toMatchObject({
        code: 'StoreKeyExists',
      });
      expect(await text(store(), 'up')).toBe('first');
    });

    test.each([10, 9 * 1024 * 1024])(
      'a stream that breaks after %i bytes leaves nothing and keeps its error',
      async (sizeBytes) => {
        const broken = Object.assign(new Error('the source broke'), { code: 'EACCES' });
        const source = async function* () {
          yield Buffer.alloc(sizeBytes);
          throw broken;
        };
        await expect(store().upload('up', source())).rejects.toBe(broken);
        expect(await store().head('up')).toBeNull();
        expect(await keysOf(store().list(''))).toEqual([]);
      },
    );

    test('an aborted upload leaves nothing and rejects with the reason', async () => {
      const abort = new AbortController();
      const reason = new Error('enough');
      const source = async function* () {
        yield Buffer.alloc(9 * 1024 * 1024);
        abort.abort(reason);
        yield Buffer.alloc(9 * 1024 * 1024);
      };
      await expect(store().upload('up', source(), { signal: abort.signal })).rejects.toBe(reason);
      expect(await store().head('up')).toBeNull();
    });

    test('an aborted write writes nothing', async () => {
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(store().create('k', bytes('x'), { signal })).rejects.toThrow('enough');
      await expect(store().read('k', { signal })).rejects.toThrow('enough');
      expect(await store().head('k')).toBeNull();
    });
  });
};

/** In byte order of their UTF-8; most of them break one file system or another. */
const ODD_KEYS = [
  ' leading blank',
  '%2E',
  '%41',
  '...',
  '.hidden',
  'A',
  'a b+c&d=e?f#g',
  'a%2Fb',
  'a*:"<>|\\',
  'a.',
  'aux.txt',
  'b//c',
  'b/../../etc/passwd',
  'b/./c',
  'b/c/',
  'con',
  `long/${'x'.repeat(79)}/y`,
  `long/${'x'.repeat(80)}/y`,
  `long/${'x'.repeat(300)}`,
  `long/${'ü'.repeat(120)}/${'ü'.repeat(150)}`,
  'lone\u0001control',
  'tab\tline\nend',
  'é composed',
  'é decomposed',
  '￿ last of its plane',
  '😀 beyond it',
];

const byBytes = (keys: string[]): string[] => keys.sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

const listing = (name: string, store: () => ObjectStore): void => {
  describe(`${name}: listing and keys`, () => {
    test('keys come in byte order, also where folders and files mix', async () => {
      const keys = ['a/b', 'a-b', 'a.b', 'a0', 'a/b0/c', 'a/b-c', 'B', 'ab', 'a/ü', 'a/z', 'a/b1'];
      await Promise.all(keys.map((key) => store().create(key, bytes(key))));
      expect(await keysOf(store().list(''))).toEqual(byBytes([...keys]));
      expect(await keysOf(store().list('a/b'))).toEqual(['a/b', 'a/b-c', 'a/b0/c', 'a/b1']);
      expect(await keysOf(store().list('a/'))).toEqual(['a/b', 'a/b-c', 'a/b0/c', 'a/b1', 'a/z', 'a/ü']);
      expect(await keysOf(store().list('c'))).toEqual([]);
    });

    test('`after` starts behind a key, there or not, inside the prefix or not', async () => {
      for (const key of ['p/1', 'p/2/a', 'p/2/b', 'p/3', 'q']) await store().create(key, bytes(key));
      expect(await keysOf(store().list('p/', { after: 'p/2/a' }))).toEqual(['p/2/b', 'p/3']);
      expect(await keysOf(store().list('p/', { after: 'p/2' }))).toEqual(['p/2/a', 'p/2/b', 'p/3']);
      expect(await keysOf(store().list('p/', { after: 'p/20' }))).toEqual(['p/3']);
      expect(await keysOf(store().list('p/', { after: 'a' }))).toEqual(['p/1', 'p/2/a', 'p/2/b', 'p/3']);
      expect(await keysOf(store().list('p/', { after: 'q' }))).toEqual([]);
    });

    test('a listing goes on beyond one page', async () => {
      const keys = Array.from({ length: 1_100 }, (_, at) => `many/${String(at).padStart(5, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => store().create(key, bytes(''))));
      }
      expect(await keysOf(store().list('many/'))).toEqual(keys);
    });

    test('odd keys are kept apart and come back as they were', async () => {
      for (const key of ODD_KEYS) await store().create(key, bytes(key));
      for (const key of ODD_KEYS) expect(await text(store(), key)).toBe(key);
      expect(await keysOf(store().list(''))).toEqual(byBytes([...ODD_KEYS]));
    });

    test.each(['', '/absolute', 'x'.repeat(1025), 'broken \uD800'])('%j is no key', async (key) => {
      await expect(store().create(key, bytes('x'))).rejects.toMatchObject({ code: 'StoreKeyRefused' });
      await expect(store().read(key)).rejects.toMatchObject({ code: 'StoreKeyRefused' });
    });
  });
};
