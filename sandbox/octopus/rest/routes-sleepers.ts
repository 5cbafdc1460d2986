/** Routes of what acts by itself: project triggers and subscriptions, read and written back whole. */
import type { Row } from '../data/database.ts';
import type { RunningNode } from '../node/running-node.ts';
import type { Answer, Call, Route } from './rest.ts';
import { RestError } from './rest.ts';
import { flagOf } from './routes-system.ts';

type Kind = { table: 'ProjectTrigger' | 'Subscription'; collection: 'projecttriggers' | 'subscriptions' };

const rowOf = async (node: RunningNode, { table }: Kind, { names, path, spaceId }: Call): Promise<Row> => {
  const id = names['id'] ?? '';
  const [row] = await node.database.query(`SELECT * FROM [${table}] WHERE Id = @id`, { id });
  const isElsewhere = /^\/api\/(?:spaces\/)?Spaces-/.test(path) && row?.['SpaceId'] !== spaceId;
  if (row === undefined || isElsewhere) throw new RestError(404, `The resource '${id}' was not found.`);
  return row;
};

const resourceOf = ({ collection }: Kind, { JSON: document, ...row }: Row): object => ({
  ...row,
  ...(JSON.parse(String(document)) as object),
  Links: { Self: `/api/${String(row['SpaceId'])}/${collection}/${String(row['Id'])}` },
});

const get =
  (kind: Kind) =>
  async (node: RunningNode, call: Call): Promise<Answer> => ({ body: resourceOf(kind, await rowOf(node, kind, call)) });

const put =
  (kind: Kind) =>
  async (node: RunningNode, call: Call): Promise<Answer> => {
    const before = await rowOf(node, kind, call);
    const { Id: id, Name: name, IsDisabled: flag } = call.body;
    if (id !== before['Id'] || typeof name !== 'string' || name === '')
      throw new RestError(400, 'There was a problem with your request.', ['Id and Name are required.']);
    const isDisabled = flagOf(flag, 'IsDisabled');
    // The original keeps what it is sent: what comes back in part has lost the rest.
    const isWhole = Object.keys(resourceOf(kind, before)).every((property) => property in call.body);
    if (!isWhole) throw new RestError(400, 'There was a problem with your request.', ['The resource is not whole.']);
    await node.database.execute(`UPDATE [${kind.table}] SET IsDisabled = @isDisabled, Name = @name WHERE Id = @id`, {
      id: String(id),
      isDisabled,
      name,
    });
    return get(kind)(node, call);
  };

const routesOf = (kind: Kind): Route[] => {
  const place = { path: `/api/${kind.collection}/{id}`, isInSpace: true };
  const note = 'changes name and flag of a whole resource; which permission it needs is a guess';
  return [
    { method: 'GET', ...place, needs: 'key', answer: get(kind) },
    { method: 'PUT', ...place, needs: 'AdministerSystem', note, answer: put(kind) },
  ];
};

export const sleeperRoutes: readonly Route[] = [
  ...routesOf({ table: 'ProjectTrigger', collection: 'projecttriggers' }),
  ...routesOf({ table: 'Subscription', collection: 'subscriptions' }),
];
