import { array, assert, constantFrom, nat, oneof, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import {
  folderOfPrefix,
  isKey,
  isOwnName,
  keyPartOf,
  pathOfKey,
  textOfBytes,
} from '../../lib/adapters/directory/key-path.ts';

const anyKey = oneof(
  string({ unit: 'grapheme', maxLength: 60 }),
  string({ unit: constantFrom('a', 'A', '.', '/', '%', ' ', 'ü', '2', 'F', '\\', ':'), maxLength: 300 }),
  array(constantFrom('..', '.', '', 'con', 'AUX.txt', 'a', '.octo', 'x'.repeat(90)), { maxLength: 5 }).map((parts) =>
    parts.join('/'),
  ),
).filter(isKey);

const keyOf = (path: string[]): string =>
  textOfBytes(path.map((name, at) => keyPartOf(name, at < path.length - 1)).join(''));

test('a path gives its key back, so no two keys share one', () => {
  assert(
    property(anyKey, (key) => {
      expect(keyOf(pathOfKey(key))).toBe(key);
    }),
  );
});

test('every name is one that any file system takes, and none leads out', () => {
  const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
  assert(
    property(anyKey, (key) => {
      for (const name of pathOfKey(key)) {
        expect(isOwnName(name)).toBe(true);
        expect(name.length).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[A-Za-z0-9._=+@,%-]+$/);
        expect(name).not.toMatch(/^\.|\.$/);
        expect(name).not.toMatch(reserved);
      }
    }),
  );
});

test('the folder of a prefix lies above every key with that prefix', () => {
  assert(
    property(anyKey, nat(), (key, cut) => {
      const prefix = key.slice(0, cut % (key.length + 1)).toWellFormed();
      const folder = folderOfPrefix(key.startsWith(prefix) ? prefix : '');
      expect(pathOfKey(key).slice(0, folder.length)).toEqual(folder);
    }),
  );
});
