/**
 * Is an index one that may be written to a disk? All of it is looked at before the first byte is written, because an index
 * comes from a store that others may have written to.
 */
import { dirname } from 'node:path/posix';
import { OctoError } from '../../domain/errors.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import { isSafePath, pathBytes } from '../index/path-text.ts';
import { isLinkTo, placeOf, type Staging, whereIs } from './tree.ts';

/** Every path lies below the target, stands once, and leads through no link. @throws PathRefused */
export const assertSafe = ({ directories, links, files }: ArchiveIndex, platform = process.platform): void => {
  const taken = new Set<string>();
  const linked = new Set(links.map(({ path }) => path));
  const folders = new Set(directories.map(({ path }) => path));
  // Windows would take two names that differ in case for one file.
  const fold = (path: string): string => (platform === 'win32' ? path.toLowerCase() : path);
  for (const path of [...files.paths, ...linked, ...folders]) {
    const name = fold(path);
    if (!isSafePath(path, platform) || taken.has(name)) refuse(path);
    taken.add(name);
  }
  const inTheWay = new Set([...linked, ...files.paths].map(fold));
  for (const path of [...files.paths, ...linked, ...folders]) {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      if (inTheWay.has(fold(parent))) refuse(path);
    }
  }
};

/** Everything lies below a place that the index names. @throws PathRefused */
export const assertPlaced = ({ places, directories, links, files }: ArchiveIndex): void => {
  const names = new Set(places.map(({ name }) => name));
  const below = (path: string): void => {
    if (!path.includes('/') || !names.has(placeOf(path))) refuse(path);
  };
  for (const path of files.paths) below(path);
  for (const { path } of [...directories, ...links]) below(path);
};

/**
 * Links whose target is absolute or outside the link's own place, and that the target does not have just so: on a server
 * they would lead Octopus anywhere. Those that it has were meant.
 */
export const foreignLinks = (staging: Staging): { path: string; target: string }[] =>
  staging.index.links.filter(({ path, target }) => {
    const found = whereIs(staging, path);
    if (found === null || !leadsOut(path, pathBytes(target).toString())) return false;
    return !isLinkTo(found.present, target);
  });

/** @throws LinkRefused */
export const assertLinks = (staging: Staging): void => {
  const [first, ...others] = foreignLinks(staging);
  if (first === undefined) return;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const message = `the archive holds a link out of its folder: ${first.path} to ${first.target}${more}`;
  throw new OctoError('LinkRefused', message, { facts: { path: first.path, target: first.target } });
};

const leadsOut = (path: string, target: string): boolean => {
  if (/^[\\/]|^[A-Za-z]:/.test(target)) return true;
  let depth = path.split('/').length - 2;
  for (const part of target.split(/[\\/]/)) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
};

const refuse = (path: string): never => {
  throw new OctoError('PathRefused', `the index names the path "${path}"`, { facts: { path } });
};
