import { describe, expect, test } from 'vitest';
import {
  gapsOfReferences,
  isArtifactPresent,
  isPackagePresent,
  nameArtifact,
  namePackage,
  notePresent,
  nothingPresent,
} from '../../lib/domain/archives/references.ts';

const presentOf = (...paths: string[]) => {
  const present = nothingPresent();
  for (const path of paths) notePresent(present, path);
  return present;
};
const acme = { packageId: 'Acme.Web', version: '4.1.0', spaceId: 'Spaces-1', fileExtension: '.nupkg' };

describe('packages', () => {
  test.each([
    ['packages/Spaces-1/feeds-builtin/Acme.Web/Acme.Web.4.1.0.nupkg', true],
    ['packages/spaces-1/feeds-builtin/acme.web/acme.web.4.1.0.NUPKG', true],
    ['packages/feeds-builtin/Acme.Web/Acme.Web.4.1.0.nupkg', true],
    ['packages/Spaces-2/feeds-builtin/Acme.Web/Acme.Web.4.1.0.nupkg', false],
    ['packages/Spaces-1/feeds-builtin/Acme.Web/Acme.Web.4.1.0.zip', false],
    ['packages/Spaces-1/feeds-builtin/Acme.Web/Acme.Web.4.1.00.nupkg', false],
    ['artifacts/Spaces-1/feeds-builtin/Acme.Web/Acme.Web.4.1.0.nupkg', false],
  ])('%s: %s', (path, isPresent) => {
    expect(isPackagePresent(presentOf(path), acme)).toBe(isPresent);
  });

  test('on servers without spaces', () => {
    const path = 'packages/feeds-builtin/Acme.Web/Acme.Web.4.1.0.nupkg';
    expect(isPackagePresent(presentOf(path), { ...acme, spaceId: null })).toBe(true);
    expect(namePackage({ ...acme, spaceId: null })).toBe('package Acme.Web 4.1.0');
  });
});

test('artifacts are known by their id, wherever it stands in the path', () => {
  const present = presentOf('artifacts/Spaces-1/artifacts-12_report.html', 'artifacts/2024-01/Artifacts-7/a.txt');
  const isPresent = (id: string) => isArtifactPresent(present, { id, fileName: 'x' });
  expect([isPresent('Artifacts-12'), isPresent('Artifacts-7')]).toEqual([true, true]);
  expect([isPresent('Artifacts-1'), isPresent('Artifacts-120')]).toEqual([false, false]);
});

describe('gaps', () => {
  const found = {
    packagesListed: 9,
    packagesMissing: 0,
    artifactsListed: 9,
    artifactsMissing: 0,
    missing: [] as string[],
  };

  test('none when nothing is missing', () => {
    expect(gapsOfReferences(found)).toEqual([]);
  });

  test('names what is missing, and how much more', () => {
    const one = nameArtifact({ id: 'Artifacts-12', fileName: 'deploy.log' });
    expect(gapsOfReferences({ ...found, artifactsMissing: 1, missing: [one] })).toEqual([
      '1 file that the database lists is missing: artifact Artifacts-12 (deploy.log)',
    ]);
    const missing = Array.from({ length: 50 }, (_, index) => namePackage({ ...acme, version: `${index}` }));
    expect(gapsOfReferences({ ...found, packagesMissing: 3000, missing })).toEqual([
      expect.stringMatching(/^3000 files .* missing: package Acme\.Web 0 \(Spaces-1\), .* and 2995 more$/),
    ]);
  });
});
