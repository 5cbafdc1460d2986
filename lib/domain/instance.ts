/** One Octopus Deploy installation as the configuration describes it. Holds no secrets, only the names of secrets. */

export type Instance = {
  name: string;
  isProduction: boolean;
  /** One per node; the first is the one that takes backups. */
  hosts: InstanceHost[];
  database: InstanceDatabase;
  /** Places the server does not name but that belong to it, taken with the server folders. */
  extraFolders: { name: string; path: string }[];
};

export type InstanceHost = {
  name: string;
  /** Where the workflow runtime leaves this host's tasks: an SQS URL, or the host's name in the embedded engine. */
  queueUrl?: string;
  /** This node's own address, never the load balancer's. */
  url: string;
  /** The `Octopus.Server` program and the instance it serves there. */
  program: { path: string; instanceName: string };
};

export type InstanceDatabase = {
  name: string;
  /** The folder of backup files as SQL Server names it and as the worker names it: one place, two notations. */
  share: { sqlServerPath: string; workerPath: string };
};

/** SQL Server may run on another system than the worker: its folder's own notation says which separator it wants. */
export const joinAsWritten = (folder: string, name: string): string => {
  const separator = /^[A-Za-z]:|\\/.test(folder) ? '\\' : '/';
  return folder.endsWith(separator) ? `${folder}${name}` : `${folder}${separator}${name}`;
};
