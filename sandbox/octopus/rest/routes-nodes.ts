/** Routes of the cluster's nodes. A node's drain flag and the cluster's maintenance flag share one name, as in the original. */
import type { Row } from '../data/database.ts';
import type { Answer, Call, Route } from './rest.ts';
import { collection, RestError, selectPage } from './rest.ts';
import { flagOf } from './routes-system.ts';
import type { RunningNode } from '../node/running-node.ts';
import { OCTOPUS_VERSION } from '../seed/settings.ts';

/** A node that was not seen for so long counts as offline. */
const OFFLINE_AFTER_MS = 60_000;

const nodeResource = (row: Row): object => ({
  Id: row['Id'],
  Name: row['Name'],
  MaxConcurrentTasks: row['MaxConcurrentTasks'],
  IsInMaintenanceMode: row['IsInMaintenanceMode'],
  Links: {
    Self: `/api/octopusservernodes/${String(row['Id'])}`,
    Details: `/api/octopusservernodes/${String(row['Id'])}/details`,
  },
});

const isOffline = (row: Row): boolean =>
  !(row['LastSeen'] instanceof Date) || Date.now() - row['LastSeen'].getTime() > OFFLINE_AFTER_MS;

const versionOf = (row: Row): string =>
  (JSON.parse(String(row['JSON'])) as { Version?: string }).Version ?? OCTOPUS_VERSION;

const runningTasks = async (node: RunningNode, id: string): Promise<number> => {
  const [row] = await node.database.query<{ Total: number }>(
    "SELECT COUNT(*) AS Total FROM [ServerTask] WHERE ServerNodeId = @id AND State IN ('Executing', 'Cancelling')",
    { id },
  );
  return row?.Total ?? 0;
};

const listNodes = async (node: RunningNode, call: Call): Promise<Answer> => {
  const page = await selectPage(node.database, call, {
    table: 'OctopusServerNode',
    where: '1 = 1',
    order: 'Id',
    parameters: {},
  });
  return {
    body: collection(call, { itemType: 'OctopusServerNode', items: page.rows.map(nodeResource), total: page.total }),
  };
};

const allNodes = async (node: RunningNode): Promise<Answer> => ({
  body: (await node.database.query('SELECT * FROM [OctopusServerNode] ORDER BY Id')).map(nodeResource),
});

const summary = async (node: RunningNode): Promise<Answer> => {
  const rows = await node.database.query('SELECT * FROM [OctopusServerNode] ORDER BY Id');
  const nodes: object[] = [];
  for (const row of rows) {
    const id = String(row['Id']);
    nodes.push({
      Id: id,
      Name: row['Name'],
      IsInMaintenanceMode: row['IsInMaintenanceMode'],
      IsOffline: isOffline(row),
      LastSeen: row['LastSeen'] instanceof Date ? row['LastSeen'].toISOString() : null,
      MaxConcurrentTasks: row['MaxConcurrentTasks'],
      RunningTaskCount: await runningTasks(node, id),
      Version: versionOf(row),
      MaxSqlConnectionPoolSize: 100,
      RecommendedMaxSqlConnectionPoolSize: 100,
      Links: { Node: `/api/octopusservernodes/${id}` },
    });
  }
  return { body: { Nodes: nodes, Links: { Self: '/api/octopusservernodes/summary' } } };
};

const readNode = async (node: RunningNode, id: string): Promise<Row> => {
  const [row] = await node.database.query('SELECT * FROM [OctopusServerNode] WHERE Id = @id', { id });
  if (row === undefined) throw new RestError(404, `The resource '${id}' was not found.`);
  return row;
};

const getNode = async (node: RunningNode, call: Call): Promise<Answer> => ({
  body: nodeResource(await readNode(node, call.names['id'] ?? '')),
});

const putNode = async (node: RunningNode, call: Call): Promise<Answer> => {
  const id = call.names['id'] ?? '';
  await readNode(node, id);
  const { Id: bodyId, MaxConcurrentTasks: cap } = call.body;
  if (bodyId !== id) throw new RestError(400, 'There was a problem with your request.', ['Id is required.']);
  if (typeof cap !== 'number' || !Number.isInteger(cap) || cap < 0) {
    throw new RestError(400, 'There was a problem with your request.', ['MaxConcurrentTasks must be a whole number.']);
  }
  const isDraining = flagOf(call.body['IsInMaintenanceMode'], 'IsInMaintenanceMode');
  if (!node.faults.isDrainIgnored) {
    await node.database.execute(
      'UPDATE [OctopusServerNode] SET IsInMaintenanceMode = @isDraining, MaxConcurrentTasks = @cap WHERE Id = @id',
      { id, isDraining, cap },
    );
  }
  return getNode(node, call);
};

const details = async (node: RunningNode, call: Call): Promise<Answer> => {
  const row = await readNode(node, call.names['id'] ?? '');
  return { body: { RunningTasks: await runningTasks(node, String(row['Id'])) } };
};

/** 418 while the node drains or is offline: load balancers probe this. */
const ping = async (node: RunningNode): Promise<Answer> => {
  const row = await readNode(node, node.id);
  const isAway = row['IsInMaintenanceMode'] === true || isOffline(row);
  return {
    status: isAway ? 418 : 200,
    body: {
      Id: row['Id'],
      Name: row['Name'],
      IsOffline: isOffline(row),
      LastSeen: row['LastSeen'],
      IsInMaintenanceMode: row['IsInMaintenanceMode'],
      Version: versionOf(row),
    },
  };
};

export const nodeRoutes: readonly Route[] = [
  { method: 'GET', path: '/api/octopusservernodes', needs: 'key', note: 'no filters', answer: listNodes },
  { method: 'GET', path: '/api/octopusservernodes/all', needs: 'key', answer: allNodes },
  { method: 'GET', path: '/api/octopusservernodes/summary', needs: 'key', answer: summary },
  { method: 'GET', path: '/api/octopusservernodes/ping', needs: 'nothing', answer: ping },
  { method: 'GET', path: '/api/octopusservernodes/{id}', needs: 'key', answer: getNode },
  { method: 'PUT', path: '/api/octopusservernodes/{id}', needs: 'AdministerSystem', answer: putNode },
  { method: 'GET', path: '/api/octopusservernodes/{id}/details', needs: 'key', answer: details },
];
