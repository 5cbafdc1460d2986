/** The server as a backup finds it, before anything is changed: section `source`, and `host.json` for what lies outside database and folders. */
import type { Instance } from '../../domain/instance.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { OctopusProgram } from '../../ports/octopus.ts';
import type { World } from '../../ports/world.ts';
import { writeArchiveFile, writeSection } from '../../repository/sections.ts';
import { archivePlace } from '../parts/archive-place.ts';

/** The program, each of its answers asked for once: it takes seconds to start. */
export type AskedProgram = Pick<OctopusProgram, 'version' | 'showConfiguration' | 'showMasterKey' | 'listInstances'>;

export const askedOnce = (program: OctopusProgram): AskedProgram => ({
  version: once(() => program.version()),
  showConfiguration: once(() => program.showConfiguration()),
  showMasterKey: once(() => program.showMasterKey()),
  listInstances: once(() => program.listInstances()),
});

const once = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
};

type Source = { world: World; instance: Instance; run: RunRecord; program: AskedProgram };

/** Writes both down. Answers notes for the reader. */
export const describeSource = async ({ world, instance, run, program }: Source): Promise<string[]> => {
  const api = await world.octopusApi(instance.name);
  const [root, isInMaintenance, nodes, { thumbprint }] = await Promise.all([
    api.root(),
    api.isInMaintenance(),
    api.nodes(),
    api.certificate(),
  ]);
  const place = archivePlace(run);
  await writeArchiveFile(world, place, { name: 'host.json', bytes: await hostJson(instance, program) });
  const source = await writeSection(world, place, {
    name: 'source',
    section: {
      octopusVersion: root.version,
      installationId: root.installationId,
      isInMaintenance,
      nodes: nodes.map(({ name, version, isDraining }) => ({ name, version, isDraining })),
      certificateThumbprint: thumbprint,
    },
  });
  return source.isInMaintenance ? ['maintenance mode was on already and stays on'] : [];
};

/** The node's own configuration, without its connection string and other secrets. */
const hostJson = async ({ hosts }: Instance, program: AskedProgram): Promise<Buffer> => {
  const host = hosts[0]!;
  const { settings } = await program.showConfiguration();
  const content = {
    host: host.name,
    program: { version: await program.version(), instanceName: host.program.instanceName },
    instances: await program.listInstances(),
    settings,
  };
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
};
