/** Routes that hand out files: packages of the built-in feed, artifacts, task logs, each from the folder it lies in. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../data/database.ts';
import { artifactPath, packagePath } from '../data/rows.ts';
import { readFolders, type RunningNode } from '../node/running-node.ts';
import type { Answer, Call, Route } from './rest.ts';
import { RestError } from './rest.ts';

const notFound = (id: string): RestError => new RestError(404, `The resource '${id}' was not found.`);

/** The row, which must be of the space in the path where there is one. */
const rowOf = async (node: RunningNode, table: string, { names, path, spaceId }: Call): Promise<Row> => {
  const id = names['id'] ?? '';
  const [row] = await node.database.query(`SELECT * FROM [${table}] WHERE Id = @id`, { id });
  const isElsewhere = /^\/api\/(?:spaces\/)?Spaces-/.test(path) && row?.['SpaceId'] !== spaceId;
  if (row === undefined || isElsewhere) throw notFound(id);
  return row;
};

const fileIn = (folder: string, path: string, id: string): Answer => {
  const file = join(folder, ...path.split('/'));
  if (!existsSync(file)) throw notFound(id);
  return { file };
};

const text = (row: Row, column: string): string => String(row[column] ?? '');

const packageRaw = async (node: RunningNode, call: Call): Promise<Answer> => {
  const row = await rowOf(node, 'NuGetPackage', call);
  const { PackagesDirectory } = await readFolders(node);
  const [packageId, version, spaceId] = [text(row, 'PackageId'), text(row, 'Version'), text(row, 'SpaceId')];
  return fileIn(PackagesDirectory, packagePath({ packageId, version, spaceId }), text(row, 'Id'));
};

const artifactContent = async (node: RunningNode, call: Call): Promise<Answer> => {
  const row = await rowOf(node, 'Artifact', call);
  const { ArtifactsDirectory } = await readFolders(node);
  const [id, fileName, spaceId] = [text(row, 'Id'), text(row, 'Filename'), text(row, 'SpaceId')];
  return fileIn(ArtifactsDirectory, artifactPath({ id, fileName, spaceId }), id);
};

/** A log's name begins with its task's id; what follows makes it unguessable. */
const taskRaw = async (node: RunningNode, call: Call): Promise<Answer> => {
  const id = text(await rowOf(node, 'ServerTask', call), 'Id');
  const { LogsDirectory } = await readFolders(node);
  const name = readdirSync(LogsDirectory).find((file) => file.startsWith(`${id.toLowerCase()}_`));
  if (name === undefined) throw notFound(id);
  return fileIn(LogsDirectory, name, id);
};

export const fileRoutes: readonly Route[] = [
  { method: 'GET', path: '/api/packages/{id}/raw', needs: 'key', isInSpace: true, answer: packageRaw },
  { method: 'GET', path: '/api/artifacts/{id}/content', needs: 'key', isInSpace: true, answer: artifactContent },
  {
    method: 'GET',
    path: '/api/tasks/{id}/raw',
    needs: 'key',
    isInSpace: true,
    note: 'the first file of a task',
    answer: taskRaw,
  },
];
