import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { extractAll } from '../../lib/archive/extract.ts';
import { indexText, parseIndexText } from '../../lib/archive/index/index-text.ts';
import { addBlock, addFile, addPiece, newIndex } from '../../lib/archive/index/archive-index.ts';
import { isSafePath, pathBytes, pathText } from '../../lib/archive/index/path-text.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

const name = fc
  .string({ minLength: 1, maxLength: 20, unit: 'binary' })
  .map((text) => text.toWellFormed().replaceAll(/[\0/]/g, '_'))
  .filter((text) => text !== '.' && text !== '..');
const extension = fc.constantFrom('.txt', '.zip', '');
const path = fc
  .tuple(fc.array(name, { maxLength: 2 }), name, extension)
  .map(([below, last, end]) => [...below.map((each) => `${each}.d`), last + end].join('/'));
const content = fc.oneof(
  fc.tuple(fc.nat(3000), fc.nat(50)).map(([length, seed]) => noise(length, seed)),
  fc.string({ maxLength: 500 }).map((text) => Buffer.from(text)),
  fc.constantFrom(4 << 20, (4 << 20) + 1, 9_000_000).map((length) => noise(1024, length).subarray(0, 1000)),
);
const files = fc.dictionary(path, content, { minKeys: 1, maxKeys: 25 });
const days = fc.array(files, { minLength: 2, maxLength: 3 });

test('random trees come back, whatever was added, changed and removed in between', async () => {
  await fc.assert(
    fc.asyncProperty(days, async (trees) => {
      const directory = scratchDirectory();
      const world = serverWorld(directory);
      const server = join(directory, 'server');
      const archives = [];
      for (const [day, tree] of trees.entries()) {
        for (const place of ['Packages', 'TaskLogs']) {
          rmSync(join(server, place), { recursive: true });
          mkdirSync(join(server, place));
          plant(join(server, place), { ...tree, always: 'here' });
        }
        archives.push(await backUp(world, runOf(day), noise(20_000, day)));
        const kept = join(directory, `kept ${day}`);
        mkdirSync(kept);
        renameSync(join(server, 'Packages'), join(kept, 'packages'));
        mkdirSync(join(server, 'Packages'));
        plant(kept, { 'database.bak': noise(20_000, day) });
      }
      for (const [day, at] of archives.entries()) {
        const target = join(directory, `target ${day}`);
        await extractAll(world, at, { target });
        rmSync(join(target, 'task-logs'), { recursive: true });
        expect(treeOf(target)).toEqual(treeOf(join(directory, `kept ${day}`)));
      }
    }),
    { numRuns: 4, seed: 20260304 },
  );
});

test('any name survives its way through the text, and stays one field of one line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const text = pathText(Buffer.from(bytes));
      expect(text).not.toMatch(/[\s\0]/);
      expect(Buffer.from(pathBytes(text)).equals(Buffer.from(bytes))).toBe(true);
    }),
  );
  expect(['a/b', 'a..b', '...', 'a b'].map((each) => isSafePath(pathText(each)))).toEqual([true, true, true, true]);
});

const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));

test('an index survives its way through the text, which is the same however its rows are ordered', () => {
  fc.assert(
    fc.property(fc.uniqueArray(hex, { minLength: 3, maxLength: 12 }), (digests) => {
      const make = (order: string[]) => {
        const index = newIndex(1000);
        for (const sha256 of order) {
          const pack = index.packs.push({ sha256, sizeBytes: 10, runId: 'run_A' }) - 1;
          const place = { pack, offset: 0, length: 10, isPacked: true, rawLength: 20 };
          const [plain, piece] = [
            addBlock(index, { ...place, sha256: '' }),
            addBlock(index, { ...place, offset: 10, sha256 }),
          ];
          const attributes = { mode: 0o644, mtime: 5, size: 20, sha256 };
          addFile(index, { ...attributes, path: `a/${sha256}` }, { block: plain, offset: 0 });
          const large = addFile(index, { ...attributes, path: `b/${sha256}` });
          addPiece(index, large, { block: piece, position: 0, offset: 0, length: 20 });
        }
        return indexText(index);
      };
      const text = make(digests);
      expect(indexText(parseIndexText(text))).toBe(text);
      expect(make(digests.toReversed())).toBe(text);
      expect(() => parseIndexText(text.slice(0, -5))).toThrow('cut short');
    }),
  );
});
