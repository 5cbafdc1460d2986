/** Everything the program needs of the world. A function takes the part it uses: `Pick<World, 'state' | 'clock'>`. */
import type { Policy } from '../domain/runs/approval-policy.ts';
import type { Instance } from '../domain/instance.ts';
import type { Chat } from './chat.ts';
import type { Clock } from './clock.ts';
import type { DrillPlace } from './drill-place.ts';
import type { ObjectStore } from './object-store.ts';
import type { OctopusDatabase } from './octopus-database.ts';
import type { OctopusApi, OctopusProgram } from './octopus.ts';
import type { RestoredDatabase } from './restored-database.ts';
import type { SecretStore } from './secret-store.ts';
import type { SqlServer } from './sql-server.ts';
import type { HostTasks, WorkflowRuntime } from './workflow-runtime.ts';

export type World = {
  clock: Clock;
  archives: ObjectStore;
  state: ObjectStore;
  secretStore: SecretStore;
  workflows: WorkflowRuntime;
  hostTasks: HostTasks;
  chat: Chat;
  /** @throws InstanceUnknown */
  instance(name: string): Instance;
  instanceNames(): string[];
  /** Who may ask for what, and who has to approve it. */
  policy: Policy;
  octopusApi(instance: string): Promise<OctopusApi>;
  octopusProgram(instance: string): OctopusProgram;
  sqlServer(instance: string): Promise<SqlServer>;
  /** The instance's own database, or another one on the same SQL Server. */
  octopusDatabase(instance: string, database?: string): Promise<OctopusDatabase>;
  /** A database on the instance's SQL Server that no server works with. */
  restoredDatabase(instance: string, database: string): Promise<RestoredDatabase>;
  /** Where drills restore to; absent where the configuration names no place for them. */
  drillPlace?: DrillPlace;
  /** The worker's own disk: task records, leases, spool, index cache. */
  hostDirectory: string;
};
