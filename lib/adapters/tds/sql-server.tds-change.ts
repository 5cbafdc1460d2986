/**
 * Changes to whole databases: renamed, configured, dropped. Everything here may be called again after a kill.
 *
 * Exclusive access is taken with SINGLE_USER, which outlives the connection that set it: it is given back on every way out,
 * on a new connection where the first one died. @see https://learn.microsoft.com/sql/relational-databases/databases/set-a-database-to-single-user-mode
 */
import type { config, ConnectionPool } from 'mssql';
import { OctoError } from '../../domain/errors.ts';
import type { DatabaseDescription, DatabaseSettings } from '../../ports/sql-server.ts';
import { describeDatabase } from './sql-server.tds-queries.ts';
import { bracketed, openPool, rowsOf } from './tds-connection.ts';

/** Rolling back what others were doing takes its time; a file is not written. */
const REQUEST_SECONDS = 300;
const APP_NAME = 'octo-keeper change';

type Renaming = { from: string; to: string; guid: string };

export const rename = async (settings: config, renaming: Renaming): Promise<void> =>
  onOneConnection(settings, async (run, pool) => {
    const { from, to } = renaming;
    if ((await requireMovable(pool, renaming)) === 'renamed') return run(openToAll(to));
    try {
      await run(`ALTER DATABASE ${bracketed(from)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
      await run(`ALTER DATABASE ${bracketed(from)} MODIFY NAME = ${bracketed(to)}`);
      await run(openToAll(to));
    } catch (thrown) {
      await reopen(settings, renaming);
      throw thrown;
    }
  });

const openToAll = (name: string): string => `ALTER DATABASE ${bracketed(name)} SET MULTI_USER`;

/** Whichever name it has by now. What fails here, the next call makes good: the first failure is the one to tell. */
const reopen = async (settings: config, { from, to, guid }: Renaming): Promise<void> => {
  await onOneConnection(settings, async (run, pool) => {
    for (const name of [from, to]) {
      if ((await describeDatabase(pool, name))?.guid === guid) await run(openToAll(name));
    }
  }).catch(() => undefined);
};

const requireMovable = async (
  pool: ConnectionPool,
  { from, to, guid }: Renaming,
): Promise<'renamed' | 'to be renamed'> => {
  const [source, target] = [await describeDatabase(pool, from), await describeDatabase(pool, to)];
  if (target?.guid === guid) return 'renamed';
  const what = `rename of "${from}" to "${to}"`;
  if (source === null) throw new OctoError('DatabaseUnknown', `${what} failed: there is no "${from}"`);
  const facts = { from, to, guid, found: source.guid };
  if (source.guid !== guid) {
    throw new OctoError('DatabaseSwapped', `${what} failed: "${from}" is another database than it was`, { facts });
  }
  if (target === null) return 'to be renamed';
  throw new OctoError('DatabaseExists', `${what} failed: there is a database "${to}" already`, { facts });
};

/** The owner comes first: setting TRUSTWORTHY for nobody's database would be worse than not setting it. */
export const configure = async (settings: config, name: string, wanted: DatabaseSettings): Promise<void> =>
  onOneConnection(settings, async (run, pool) => {
    const found = await describeDatabase(pool, name);
    if (found === null) throw new OctoError('DatabaseUnknown', `there is no database "${name}" to configure`);
    for (const statement of changesOf(found, wanted)) await run(statement);
  });

const changesOf = (found: DatabaseDescription, wanted: DatabaseSettings): string[] => {
  const database = bracketed(found.name);
  const set = (option: string) => `ALTER DATABASE ${database} SET ${option}`;
  return [
    // Also where the name is right: inside a restored database the owner is still the one it had elsewhere.
    ...(wanted.owner === null ? [] : [`ALTER AUTHORIZATION ON DATABASE::${database} TO ${bracketed(wanted.owner)}`]),
    ...(wanted.isTrustworthy === found.isTrustworthy
      ? []
      : [set(`TRUSTWORTHY ${wanted.isTrustworthy ? 'ON' : 'OFF'}`)]),
    ...(wanted.isBrokerEnabled === found.isBrokerEnabled
      ? []
      : // A broker of the same id is refused while the database that a copy was made of has its own (9772).
        [set(`${wanted.isBrokerEnabled ? 'NEW_BROKER' : 'DISABLE_BROKER'} WITH ROLLBACK IMMEDIATE`)]),
  ];
};

/** A database that is being restored has no sessions to end, and takes no other change. */
export const drop = async (settings: config, name: string): Promise<void> =>
  onOneConnection(settings, async (run, pool) => {
    const found = await describeDatabase(pool, name);
    if (found === null) return;
    if (found.state === 'ONLINE')
      await run(`ALTER DATABASE ${bracketed(name)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
    await run(`DROP DATABASE IF EXISTS ${bracketed(name)}`);
  });

type Run = (sql: string) => Promise<void>;

const onOneConnection = async <T>(
  settings: config,
  work: (run: Run, pool: ConnectionPool) => Promise<T>,
): Promise<T> => {
  const pool = await openPool(settings, {
    database: 'master',
    appName: APP_NAME,
    max: 1,
    requestSeconds: REQUEST_SECONDS,
  });
  const run: Run = async (sql) => void (await rowsOf(pool, { sql }, { what: sql }));
  try {
    return await work(run, pool);
  } finally {
    await pool.close();
  }
};
