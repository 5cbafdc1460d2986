/** Folder trees as values: read from a disk, compared as a whole. */
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createCipheriv, createHash } from 'node:crypto';

/** Every entry below `directory` by its path (as latin1, so that no byte is lost): what it is, and what is in it. */
export const treeOf = (directory: string): Record<string, string> => {
  const tree: Record<string, string> = {};
  const list = (below: Buffer): void => {
    for (const name of readdirSync(below, { encoding: 'buffer' })) {
      const path = Buffer.concat([below, Buffer.from('/'), name]);
      const key = path.subarray(directory.length + 1).toString('latin1');
      const stats = lstatSync(path);
      if (stats.isDirectory()) {
        tree[key] = 'folder';
        list(path);
      } else if (stats.isSymbolicLink()) tree[key] = `link to ${readlinkSync(path)}`;
      else tree[key] = `file ${createHash('sha256').update(readFileSync(path)).digest('hex')} ${stats.size}`;
    }
  };
  list(Buffer.from(directory));
  return tree;
};

/** Bytes that do not compress, the same for the same seed. */
export const noise = (length: number, seed: number): Buffer => {
  const key = Buffer.alloc(32);
  key.writeUInt32LE(seed);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
};
