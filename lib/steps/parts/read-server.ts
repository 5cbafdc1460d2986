/** What one look at Octopus shows of its state: the flags, the nodes and the tasks. */
import type { OctopusApi, OctopusNode, OctopusTask } from '../../ports/octopus.ts';

export type ServerSeen = { isInMaintenance: boolean; nodes: OctopusNode[]; tasks: OctopusTask[] };

export const readServer = async (api: OctopusApi): Promise<ServerSeen> => {
  const [isInMaintenance, nodes, tasks] = await Promise.all([api.isInMaintenance(), api.nodes(), api.activeTasks()]);
  return { isInMaintenance, nodes, tasks };
};
