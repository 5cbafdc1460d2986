/**
 * What the database lists against the files that were taken: packages of the built-in feed, and artifacts.
 *
 * Octopus runs on Windows, so names are compared without regard to case. A package lies at
 * `<space>/feeds-builtin/<id>/<id>.<version><extension>`, without the space on servers before 2019.1. How artifacts are
 * named on disk is not published; their id stands in the path.
 */
import type { Section } from './archive.ts';

export type PackageListed = { packageId: string; version: string; spaceId: string | null; fileExtension: string };
export type ArtifactListed = { id: string; fileName: string };

/** The files that are there, as far as references can point to them. */
export type Present = { packages: Set<string>; artifactIds: Set<string> };

export const nothingPresent = (): Present => ({ packages: new Set(), artifactIds: new Set() });

/** Notes the file at `path`, which begins with the name of its place: `packages/…` or `artifacts/…`. */
export const notePresent = (present: Present, path: string): void => {
  const [place, below] = splitPlace(path.toLowerCase());
  if (place === 'packages') present.packages.add(below);
  if (place !== 'artifacts') return;
  for (const [id] of below.matchAll(/artifacts-\d+/g)) present.artifactIds.add(id);
};

const splitPlace = (path: string): [place: string, below: string] => {
  const end = path.indexOf('/');
  return [path.slice(0, end), path.slice(end + 1)];
};

export const isPackagePresent = ({ packages }: Present, listed: PackageListed): boolean =>
  pathsOf(listed).some((path) => packages.has(path));

export const isArtifactPresent = ({ artifactIds }: Present, { id }: ArtifactListed): boolean =>
  artifactIds.has(id.toLowerCase());

const pathsOf = ({ packageId, version, spaceId, fileExtension }: PackageListed): string[] => {
  const path = `feeds-builtin/${packageId}/${packageId}.${version}${fileExtension}`.toLowerCase();
  return spaceId === null ? [path] : [`${spaceId.toLowerCase()}/${path}`, path];
};

/** `package Payments 4.1.0 (Spaces-1)` */
export const namePackage = ({ packageId, version, spaceId }: PackageListed): string =>
  `package ${packageId} ${version}${spaceId === null ? '' : ` (${spaceId})`}`;

/** `artifact Artifacts-12 (deploy.log)` */
export const nameArtifact = ({ id, fileName }: ArtifactListed): string => `artifact ${id} (${fileName})`;

const NAMED_AT_MOST = 5;

/** The gaps that the missing files are, in the words of the outcome. */
export const gapsOfReferences = (found: Section<'references'>): string[] => {
  const count = found.packagesMissing + found.artifactsMissing;
  if (count === 0) return [];
  const named = found.missing.slice(0, NAMED_AT_MOST);
  const more = count - named.length;
  const what = count === 1 ? '1 file that the database lists is' : `${count} files that the database lists are`;
  return [`${what} missing: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
};
