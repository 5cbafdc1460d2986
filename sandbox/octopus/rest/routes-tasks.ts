/**
 * Routes of tasks and audit events. Without `spaces=all&includeSystem=true` a caller sees the default space's tasks only,
 * which is how "nothing is running" comes to be said of a busy server.
 */
import type { Row } from '../data/database.ts';
import type { Answer, Call, Route } from './rest.ts';
import { collection, RestError, selectPage } from './rest.ts';
import type { RunningNode } from '../node/running-node.ts';
import { isInMaintenance } from '../node/running-node.ts';
import { queueTask } from '../node/task-queue.ts';

const ACTIVE = ['New', 'Queued', 'Executing', 'Cancelling'];
const RUNNING = ['Executing', 'Cancelling'];
const ENDED = new Set(['Success', 'Failed', 'Canceled', 'TimedOut']);
const STATES = new Set([...ACTIVE, ...ENDED]);
/** Tasks that users may queue by themselves. */
const QUEUEABLE = new Set([
  'Health',
  'Retention',
  'UpdateCalamari',
  'SystemIntegrityCheck',
  'TestEmail',
  'SynchronizeBuiltInPackageRepositoryIndex',
]);

type Filter = { conditions: string[]; parameters: Row };

const addIn = (filter: Filter, column: string, values: readonly string[]): void => {
  const names = values.map((value, index) => {
    const name = `${column}${filter.conditions.length}_${index}`;
    filter.parameters[name] = value;
    return `@${name}`;
  });
  filter.conditions.push(names.length === 0 ? '1 = 0' : `[${column}] IN (${names.join(', ')})`);
};

const isSet = (call: Call, name: string): boolean => call.query.get(name)?.toLowerCase() === 'true';

const spaceFilter = (filter: Filter, call: Call): void => {
  const spaces = call.query.get('spaces')?.split(',') ?? [call.spaceId];
  const system = isSet(call, 'includeSystem') ? ' OR SpaceId IS NULL' : '';
  if (spaces.includes('all')) {
    filter.conditions.push(system === '' ? 'SpaceId IS NOT NULL' : '1 = 1');
    return;
  }
  addIn(filter, 'SpaceId', spaces);
  filter.conditions.push(`(${filter.conditions.pop() ?? '1 = 0'}${system})`);
};

/** Query parameters that compare one column with a list of values. */
const LISTS = {
  ids: 'Id',
  name: 'Name',
  node: 'ServerNodeId',
  project: 'ProjectId',
  environment: 'EnvironmentId',
  tenant: 'TenantId',
} as const;

const taskFilter = (call: Call): Filter => {
  const filter: Filter = { conditions: [], parameters: {} };
  spaceFilter(filter, call);
  if (isSet(call, 'active')) addIn(filter, 'State', ACTIVE);
  if (isSet(call, 'running')) addIn(filter, 'State', RUNNING);
  const states = call.query.get('states')?.split(',');
  const unknown = states?.find((state) => !STATES.has(state));
  if (unknown !== undefined) throw new RestError(400, `The task state '${unknown}' is not known.`);
  if (states !== undefined) addIn(filter, 'State', states);
  for (const [parameter, column] of Object.entries(LISTS)) {
    const value = call.query.get(parameter);
    if (value !== null) addIn(filter, column, value.split(','));
  }
  const pending = call.query.get('hasPendingInterruptions');
  if (pending !== null) {
    filter.conditions.push('HasPendingInterruptions = @pending');
    filter.parameters['pending'] = pending.toLowerCase() === 'true';
  }
  return filter;
};

const listTasks = async (node: RunningNode, call: Call): Promise<Answer> => {
  const { conditions, parameters } = taskFilter(call);
  const where = conditions.join(' AND ');
  const page = await selectPage(node.database, call, {
    table: 'ServerTask',
    where,
    order: 'QueueTime DESC, Id DESC',
    parameters,
  });
  const counts = await node.database.query<{ State: string; Total: number }>(
    `SELECT State, COUNT(*) AS Total FROM [ServerTask] WHERE ${where} GROUP BY State`,
    parameters,
  );
  const totals = Object.fromEntries(counts.map((row) => [row.State, row.Total]));
  return {
    body: {
      ...collection(call, { itemType: 'Task', items: page.rows.map(taskResource), total: page.total }),
      TotalCounts: {
        Canceled: 0,
        Cancelling: 0,
        Executing: 0,
        Failed: 0,
        Queued: 0,
        Success: 0,
        TimedOut: 0,
        ...totals,
      },
    },
  };
};

const iso = (value: unknown): string | null => (value instanceof Date ? value.toISOString() : null);

const taskResource = (row: Row): object => {
  const document = JSON.parse(String(row['JSON'])) as { Arguments: unknown };
  const id = String(row['Id']);
  const state = String(row['State']);
  const isCompleted = ENDED.has(state);
  return {
    Id: id,
    SpaceId: row['SpaceId'],
    Name: row['Name'],
    Description: row['Description'],
    Arguments: document.Arguments,
    State: state,
    ProjectId: row['ProjectId'],
    ServerNode: row['ServerNodeId'],
    QueueTime: iso(row['QueueTime']),
    QueueTimeExpiry: null,
    StartTime: iso(row['StartTime']),
    LastUpdatedTime: iso(row['CompletedTime'] ?? row['StartTime'] ?? row['QueueTime']),
    CompletedTime: iso(row['CompletedTime']),
    Completed: isCompleted ? 'Completed' : state,
    ErrorMessage: row['ErrorMessage'] ?? '',
    IsCompleted: isCompleted,
    FinishedSuccessfully: state === 'Success',
    HasBeenPickedUpByProcessor: row['StartTime'] !== null,
    HasPendingInterruptions: row['HasPendingInterruptions'],
    HasWarningsOrErrors: row['HasWarningsOrErrors'],
    CanRerun: isCompleted,
    Links: { Self: `/api/tasks/${id}`, Cancel: `/api/tasks/${id}/cancel`, Details: `/api/tasks/${id}/details` },
  };
};

const readTask = async (node: RunningNode, id: string): Promise<Row> => {
  const [row] = await node.database.query('SELECT * FROM [ServerTask] WHERE Id = @id', { id });
  if (row === undefined) throw new RestError(404, `The resource '${id}' was not found.`);
  return row;
};

const getTask = async (node: RunningNode, call: Call): Promise<Answer> => ({
  body: taskResource(await readTask(node, call.names['id'] ?? '')),
});

const createTask = async (node: RunningNode, call: Call): Promise<Answer> => {
  const { Name: name, Description: description, Arguments: given, SpaceId: spaceId, QueueTime: queueTime } = call.body;
  if (typeof name !== 'string' || typeof description !== 'string') {
    throw new RestError(400, 'There was a problem with your request.', ['Name and Description are required.']);
  }
  if (!QUEUEABLE.has(name))
    throw new RestError(400, 'There was a problem with your request.', [`The task '${name}' cannot be queued.`]);
  if (!call.caller?.isAdministrator && (await isInMaintenance(node))) {
    throw new RestError(400, 'The server is in maintenance mode. Only administrators can make changes.');
  }
  const queuedAt = typeof queueTime === 'string' ? new Date(queueTime) : new Date();
  if (Number.isNaN(queuedAt.getTime())) throw new RestError(400, 'QueueTime is not a time.');
  const id = await queueTask(node, {
    name,
    description,
    spaceId: spaceId === null ? null : call.spaceId,
    queuedAt,
    arguments: typeof given === 'object' && given !== null ? { ...given } : {},
  });
  return { status: 201, body: taskResource(await readTask(node, id)) };
};

const cancelTask = async (node: RunningNode, call: Call): Promise<Answer> => {
  const id = call.names['id'] ?? '';
  await readTask(node, id);
  const parameters = { id, now: new Date() };
  const queued = "UPDATE [ServerTask] SET State = 'Canceled', CompletedTime = @now WHERE Id = @id AND State = 'Queued'";
  if ((await node.database.execute(queued, parameters)) === 0) {
    const running =
      "UPDATE [ServerTask] SET State = 'Cancelling', HasPendingInterruptions = @no WHERE Id = @id AND State = 'Executing'";
    await node.database.execute(running, { id, no: false });
  }
  return { body: taskResource(await readTask(node, id)) };
};

const listEvents = async (node: RunningNode, call: Call): Promise<Answer> => {
  const filter: Filter = { conditions: [], parameters: {} };
  spaceFilter(filter, call);
  const category = call.query.get('eventCategories');
  if (category !== null) addIn(filter, 'Category', category.split(','));
  const where = filter.conditions.join(' AND ');
  const page = await selectPage(node.database, call, {
    table: 'Event',
    where,
    order: 'AutoId DESC',
    parameters: filter.parameters,
  });
  const items = page.rows.map((row) => ({
    Id: row['Id'],
    Category: row['Category'],
    UserId: row['UserId'],
    Username: row['Username'],
    Occurred: iso(row['Occurred']),
    Message: row['Message'],
    RelatedDocumentIds: String(row['RelatedDocumentIds']).split('|').filter(Boolean),
    SpaceId: row['SpaceId'],
    Links: { Self: `/api/events/${String(row['Id'])}` },
  }));
  return { body: collection(call, { itemType: 'Event', items, total: page.total }) };
};

export const taskRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/tasks',
    needs: 'key',
    isInSpace: true,
    note: 'no filters by partialName, tenantTag, runbook, batch, description, hasWarningsOrErrors or time',
    answer: listTasks,
  },
  {
    method: 'POST',
    path: '/api/tasks',
    needs: 'key',
    isInSpace: true,
    note: 'a few task names; the answer to a blocked write in maintenance mode is a guess',
    answer: createTask,
  },
  { method: 'GET', path: '/api/tasks/{id}', needs: 'key', isInSpace: true, answer: getTask },
  { method: 'POST', path: '/api/tasks/{id}/cancel', needs: 'key', isInSpace: true, answer: cancelTask },
  {
    method: 'GET',
    path: '/api/events',
    needs: 'key',
    isInSpace: true,
    note: 'filters: spaces, includeSystem, eventCategories',
    answer: listEvents,
  },
];
