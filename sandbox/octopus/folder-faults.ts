/** What goes wrong with an instance's folders; each fault returns how to mend it. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Puts things back as they were. */
export type Mend = () => void;

const ASIDE = '.aside';

/** A package that the database lists has no file: the first one found below `packagesDirectory`. */
export const losePackage = (packagesDirectory: string): { path: string; mend: Mend } => {
  const file = readdirSync(packagesDirectory, { recursive: true, encoding: 'utf8' })
    .sort()
    .find((name) => name.endsWith('.nupkg'));
  if (file === undefined) throw new Error(`there is no package below ${packagesDirectory}`);
  const path = join(packagesDirectory, file);
  const aside = `${packagesDirectory}${ASIDE}-package`;
  renameSync(path, aside);
  return { path: file, mend: () => renameSync(aside, path) };
};

/** The file may not be read. It still may by an account that reads everything, such as root. */
export const lockFile = (path: string): Mend => {
  const { mode } = statSync(path);
  chmodSync(path, 0);
  return () => chmodSync(path, mode);
};

/** The folder is not there. */
export const unmountFolder = (path: string): Mend => {
  renameSync(path, `${path}${ASIDE}`);
  return () => renameSync(`${path}${ASIDE}`, path);
};

/** The folder is there and empty, as a mount point is without its volume. */
export const emptyFolder = (path: string): Mend => {
  const putBack = unmountFolder(path);
  mkdirSync(path);
  return () => {
    rmSync(path, { recursive: true });
    putBack();
  };
};
