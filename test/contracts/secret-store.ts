/** What every secret store must do; `open` gives an empty store. */
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { SecretStore } from '../../lib/ports/secret-store.ts';

export const secretStoreContract = (adapter: string, open: () => Promise<SecretStore>): void => {
  let store: SecretStore;
  beforeEach(async () => {
    store = await open();
  });

  describe(`secret store: ${adapter}`, () => {
    test('a secret comes back as it was, to the character', async () => {
      const value = 'bWFzdGVy+key/=\n\tü 😀';
      expect(await store.create('prod/master-key/0a1b', new Secret(value))).toBe('created');
      expect((await store.read('prod/master-key/0a1b'))?.reveal()).toBe(value);
    });

    test('an absent name is null, also in an empty store', async () => {
      expect(await store.read('prod/none')).toBeNull();
      expect(await store.list('')).toEqual([]);
      await store.create('prod/some', new Secret('x'));
      expect(await store.read('prod/none')).toBeNull();
    });

    test('a name is taken once, whatever the value', async () => {
      await store.create('prod/key', new Secret('first'));
      expect(await store.create('prod/key', new Secret('second'))).toBe('exists');
      expect(await store.create('prod/key', new Secret('first'))).toBe('exists');
      expect((await store.read('prod/key'))?.reveal()).toBe('first');
    });

    test('of many who create at once, one wins', async () => {
      const answers = await Promise.all(
        Array.from({ length: 5 }, (_, writer) => store.create('prod/key', new Secret(`value ${writer}`))),
      );
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    });

    test('names are listed by prefix, sorted, beyond one page', async () => {
      const names = Array.from({ length: 130 }, (_, at) => `prod/master-key/${String(at).padStart(3, '0')}`);
      for (const each of ['prod/license/1', 'test/master-key/1', ...names.toReversed()]) {
        await store.create(each, new Secret('x'));
      }
      expect(await store.list('prod/master-key/')).toEqual(names);
      expect(await store.list('prod/l')).toEqual(['prod/license/1']);
      expect(await store.list('PROD/')).toEqual([]);
    });

    test.each(['', 'with space', 'prod/ü', 'a*b', 'x'.repeat(513)])('%j is no name', async (bad) => {
      await expect(store.create(bad, new Secret('x'))).rejects.toMatchObject({ code: 'SecretRefused' });
      await expect(store.read(bad)).rejects.toMatchObject({ code: 'SecretRefused' });
    });

    test('a value has 1 to 65,536 bytes', async () => {
      await expect(store.create('prod/key', new Secret(''))).rejects.toMatchObject({ code: 'SecretRefused' });
      const tooLong = store.create('prod/key', new Secret('ü'.repeat(32_769)));
      await expect(tooLong).rejects.toMatchObject({ code: 'SecretRefused' });
      expect(await store.create('prod/key', new Secret('ü'.repeat(32_768)))).toBe('created');
      expect((await store.read('prod/key'))?.reveal()).toBe('ü'.repeat(32_768));
    });

    test('a value does not show in what is printed', async () => {
      await store.create('prod/key', new Secret('do not print me'));
      expect(inspect(await store.read('prod/key'), { depth: 9, showHidden: true })).not.toContain('do not print');
    });
  });
};
