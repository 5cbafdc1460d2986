/** Statements about databases, users and sessions: CREATE, ALTER and DROP DATABASE, USE, KILL, users and roles, CHECKDB. */
import { createDatabase, releaseFile, removeDatabase, renameDatabase } from './records.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import { saveInstance } from './instance.ts';
import type { DatabaseRecord, Instance } from './instance.ts';
import { failure, message } from './messages.ts';
import type { Session } from './session.ts';
import { isGranted } from './catalog/grants.ts';
import type { Perform, Work } from './statements.ts';
import { isMark, isWord, unexpected } from './tsql/lexer.ts';
import type { Token } from './tsql/lexer.ts';
import { quoted } from './tsql/translate.ts';

export const requireServer = ({ session }: Pick<Work, 'session'>, permission: string): void => {
  if (!isGranted({ session }, permission, null)) throw failure(message(262, permission, 'master'));
};

/** Sessions other than our own that stand in the database. */
export const othersIn = (instance: Instance, session: Session, database: string): Session[] =>
  [...instance.sessions.values()].filter((other) => other.id !== session.id && other.state.database === database);

const performCreate: Perform = (work, tokens) => {
  requireServer(work, 'CREATE ANY DATABASE');
  const record = createDatabase(work.instance, tokens[2]?.text ?? '');
  const collate = tokens.findIndex((token) => isWord(token, 'COLLATE'));
  if (collate >= 0) record.collation = tokens[collate + 1]?.text ?? record.collation;
  record.owner = work.session.login.user;
  saveInstance(work.instance);
  work.reply.done();
};

const dropDatabase: Perform = (work, tokens) => {
  const isOptional = isWord(tokens[2], 'IF');
  const name = tokens[isOptional ? 4 : 2]?.text ?? '';
  const record = work.instance.databases.get(name.toLowerCase());
  if (record === undefined && isOptional) return work.reply.done();
  if (record === undefined) throw failure(message(3701, name));
  requireServer(work, 'ALTER ANY DATABASE');
  const isInUse =
    work.session.state.database === record.name || othersIn(work.instance, work.session, record.name).length > 0;
  if (isInUse || work.instance.held.has(record.name)) throw failure(message(3702, record.name));
  removeDatabase(work.instance, record);
  work.reply.done();
};

const on = (token: Token | undefined): boolean => isWord(token, 'ON');

type Option = (record: DatabaseRecord, value: Token | undefined) => void;

const OPTIONS: Record<string, Option> = {
  SINGLE_USER: (record) => void (record.userAccess = 'SINGLE_USER'),
  RESTRICTED_USER: (record) => void (record.userAccess = 'RESTRICTED_USER'),
  MULTI_USER: (record) => void (record.userAccess = 'MULTI_USER'),
  ONLINE: (record) => void (record.state = 'ONLINE'),
  OFFLINE: (record) => void (record.state = 'OFFLINE'),
  READ_ONLY: (record) => void (record.isReadOnly = true),
  READ_WRITE: (record) => void (record.isReadOnly = false),
  TRUSTWORTHY: (record, value) => void (record.isTrustworthy = on(value)),
  ENABLE_BROKER: (record) => void (record.isBrokerEnabled = true),
  NEW_BROKER: (record) => void Object.assign(record, { isBrokerEnabled: true, brokerGuid: randomUUID() }),
  DISABLE_BROKER: (record) => void (record.isBrokerEnabled = false),
  READ_COMMITTED_SNAPSHOT: (record, value) => void (record.isReadCommittedSnapshotOn = on(value)),
  COMPATIBILITY_LEVEL: (record, value) => void (record.compatibilityLevel = Number(value?.text)),
  RECOVERY: (record, value) => {
    if (!isWord(value, 'SIMPLE', 'FULL', 'BULK_LOGGED')) throw unexpected(value);
    record.recoveryModel = value?.text.toUpperCase() as DatabaseRecord['recoveryModel'];
  },
};

const EXCLUSIVE = new Set(['SINGLE_USER', 'OFFLINE', 'READ_ONLY', 'READ_COMMITTED_SNAPSHOT']);

const alterDatabase: Perform = (work, tokens) => {
  const { instance, session, reply } = work;
  const record = instance.databases.get((tokens[2]?.text ?? '').toLowerCase());
  if (record === undefined || !isGranted({ session }, 'ALTER ANY DATABASE', null))
    throw failure(message(5011, tokens[2]?.text ?? ''));
  if (isWord(tokens[3], 'MODIFY') && isWord(tokens[4], 'NAME')) {
    if (othersIn(instance, session, record.name).length > 0 || instance.held.has(record.name))
      throw failure(message(5030));
    renameDatabase(instance, record, tokens[6]?.text ?? '');
    return reply.done();
  }
  const name = tokens[4]?.kind === 'word' ? tokens[4].upper : '';
  const option = OPTIONS[name];
  if (!isWord(tokens[3], 'SET') || option === undefined) throw unexpected(tokens[4]);
  const value = isMark(tokens[5], '=') ? tokens[6] : tokens[5];
  const isForced = tokens.some((token, i) => isWord(token, 'ROLLBACK') && isWord(tokens[i + 1], 'IMMEDIATE', 'AFTER'));
  if (EXCLUSIVE.has(name)) clearOthers(work, record, isForced);
  if (name === 'ENABLE_BROKER') requireOnlyBroker(instance, record);
  if (name === 'OFFLINE') releaseFile(instance, record.name);
  option(record, value);
  saveInstance(instance);
  reply.done();
};

/** A restored copy has the broker's id of its source. */
const requireOnlyBroker = ({ databases }: Instance, record: DatabaseRecord): void => {
  const idOf = ({ brokerGuid, familyGuid }: DatabaseRecord): string => brokerGuid ?? familyGuid;
  const isTaken = [...databases.values()].some(
    (other) => other !== record && other.isBrokerEnabled && idOf(other) === idOf(record),
  );
  if (isTaken) throw failure(message(9772, record.name));
};

const clearOthers = ({ instance, session }: Work, record: DatabaseRecord, isForced: boolean): void => {
  const others = othersIn(instance, session, record.name);
  if (others.length > 0 && !isForced) throw failure(message(3702, record.name));
  for (const other of others) other.cut();
};

const use: Perform = ({ session, reply }, tokens) => {
  const previous = session.state.database;
  session.state.database = session.enter(tokens[1]?.text ?? '').name;
  reply.databaseChanged(session.state.database, previous);
  reply.done();
};

const kill: Perform = (work, tokens) => {
  requireServer(work, 'CONTROL SERVER');
  const id = Number(tokens[1]?.text);
  const victim = work.instance.sessions.get(id);
  if (id === work.session.id) throw failure(message(6104));
  if (victim === undefined) throw failure(message(6106, tokens[1]?.text ?? ''));
  victim.state.isKilled = true;
  if (victim.state.request === null) victim.cut();
  else victim.state.request.abort.abort();
  work.reply.done();
};

const createLogin: Perform = (work, tokens) => {
  requireServer(work, 'CONTROL SERVER');
  const password = tokens.findIndex((token) => isWord(token, 'PASSWORD'));
  const sid = tokens.findIndex((token) => isWord(token, 'SID'));
  const name = tokens[2]?.text ?? '';
  work.instance.settings.logins[name] = { password: tokens[password + 2]?.text ?? '', roles: ['public'] };
  work.instance.sids.set(
    name.toLowerCase(),
    sid < 0 ? randomBytes(16).toString('hex') : (tokens[sid + 2]?.text.toLowerCase() ?? ''),
  );
  saveInstance(work.instance);
  work.reply.done();
};

const dropLogin: Perform = (work, tokens) => {
  requireServer(work, 'CONTROL SERVER');
  const name = tokens[2]?.text ?? '';
  if (!work.instance.sids.delete(name.toLowerCase())) throw failure(message(15151, name));
  delete work.instance.settings.logins[name];
  saveInstance(work.instance);
  work.reply.done();
};

const principals = ({ session }: Work): string => `${quoted(session.enter(session.state.database).name)}.__principals`;

/** CREATE USER x FOR LOGIN y, and ALTER USER x WITH LOGIN = y. */
const mapUser: Perform = (work, tokens) => {
  const user = tokens[2]?.text ?? '';
  const login = isWord(tokens[0], 'ALTER')
    ? tokens[6]?.text
    : isWord(tokens[3], 'FOR', 'FROM')
      ? tokens[5]?.text
      : user;
  const sid = work.instance.sids.get((login ?? '').toLowerCase());
  if (sid === undefined) throw failure(message(15007, login ?? ''));
  const table = principals(work);
  const known = work.session.sqlite.prepare(`SELECT name FROM ${table} WHERE name = ?`).get(user);
  if (isWord(tokens[0], 'CREATE') && known !== undefined) throw failure(message(15023, user));
  const bytes = Buffer.from(sid, 'hex');
  if (known === undefined)
    work.session.sqlite.prepare(`INSERT INTO ${table} VALUES (?, 'S', ?, ?, '[]')`).run(user, bytes, login ?? '');
  else
    work.session.sqlite.prepare(`UPDATE ${table} SET sid = ?, login = ? WHERE name = ?`).run(bytes, login ?? '', user);
  work.reply.done();
};

const alterRole: Perform = (work, tokens) => {
  const [role, user] = [tokens[2]?.text.toLowerCase() ?? '', tokens[5]?.text ?? ''];
  const table = principals(work);
  const row = work.session.sqlite.prepare(`SELECT roles FROM ${table} WHERE name = ?`).get(user);
  if (row === undefined) throw failure(message(15151, user));
  const rest = (JSON.parse(String(row['roles'])) as string[]).filter((own) => own !== role);
  const roles = isWord(tokens[3], 'ADD') ? [...rest, role] : rest;
  work.session.sqlite.prepare(`UPDATE ${table} SET roles = ? WHERE name = ?`).run(JSON.stringify(roles), user);
  work.reply.done();
};

/** ALTER AUTHORIZATION ON DATABASE::x TO login: the database's dbo is that login from then on. */
const alterAuthorization: Perform = ({ instance, session, reply }, tokens) => {
  const at = tokens.findIndex((token) => isWord(token, 'TO'));
  if (!isWord(tokens[3], 'DATABASE') || at < 0) throw unexpected(tokens[3]);
  const record = session.enter(tokens[at - 1]?.text ?? '');
  const login = tokens[at + 1]?.text ?? '';
  const sid = instance.sids.get(login.toLowerCase());
  const mayGive = session.isSysadmin || login.toLowerCase() === session.login.user.toLowerCase();
  if (sid === undefined || !mayGive) throw failure(message(15151, login));
  const users = `${quoted(record.name)}.__principals`;
  const bytes = Buffer.from(sid, 'hex');
  const user = session.sqlite.prepare(`SELECT name FROM ${users} WHERE sid = ? AND name <> 'dbo'`).get(bytes);
  if (user !== undefined) throw failure(message(15110));
  session.sqlite.prepare(`UPDATE ${users} SET sid = ?, login = ? WHERE name = 'dbo'`).run(bytes, login);
  record.owner = login;
  saveInstance(instance);
  reply.done();
};

/** EXEC sys.sp_addextendedproperty @name = …, @value = …: a property of the database itself. */
const addProperty: Perform = ({ session, reply }, tokens) => {
  const procedure = tokens.slice(1).find((token) => token.kind !== 'mark' && !isWord(token, 'SYS'));
  if (procedure?.text.toLowerCase() !== 'sp_addextendedproperty') throw failure(message(2812, procedure?.text ?? ''));
  const given = (name: string): string => {
    const at = tokens.findIndex((token, i) => token.text.toLowerCase() === name && isMark(tokens[i + 1], '='));
    const token = tokens[at + 2];
    if (at < 0 || token === undefined) throw failure(message(8144));
    return token.kind === 'variable' ? String(session.variable(token.text.toLowerCase()).value ?? '') : token.text;
  };
  const table = `${quoted(session.enter(session.state.database).name)}.__properties`;
  session.sqlite.exec(`CREATE TABLE IF NOT EXISTS ${table} (name TEXT PRIMARY KEY COLLATE NOCASE, value TEXT)`);
  if (session.sqlite.prepare(`SELECT name FROM ${table} WHERE name = ?`).get(given('@name')) !== undefined)
    throw failure(message(15233, given('@name')));
  session.sqlite.prepare(`INSERT INTO ${table} VALUES (?, ?)`).run(given('@name'), given('@value'));
  reply.done();
};

/** DBCC CHECKDB ('name') WITH NO_INFOMSGS: SQLite's own integrity check; silent when nothing is wrong. */
const checkDatabase: Perform = ({ instance, session, reply }, tokens) => {
  if (session.state.request !== null) session.state.request.command = 'DBCC TABLE CHECK';
  const record = session.enter(isMark(tokens[2], '(') ? (tokens[3]?.text ?? '') : session.state.database);
  const found = session.sqlite.prepare(`PRAGMA ${quoted(record.name)}.integrity_check`).all();
  const problem = found.map((row) => String(row['integrity_check'])).find((text) => text !== 'ok');
  const { corruptPrefix } = instance.faults;
  const isCorrupt = problem !== undefined || (corruptPrefix !== null && record.name.startsWith(corruptPrefix));
  const text = problem ?? `Table error: Object ID 0, page (1:5). Test failed in database ${record.name}.`;
  if (isCorrupt) throw failure({ number: 8939, severity: 16, state: 1, text });
  reply.done();
};

export const databaseStatements: { words: string[]; perform: Perform }[] = [
  { words: ['CREATE', 'DATABASE'], perform: performCreate },
  { words: ['DROP', 'DATABASE'], perform: dropDatabase },
  { words: ['ALTER', 'DATABASE'], perform: alterDatabase },
  { words: ['USE'], perform: use },
  { words: ['KILL'], perform: kill },
  { words: ['CREATE', 'LOGIN'], perform: createLogin },
  { words: ['DROP', 'LOGIN'], perform: dropLogin },
  { words: ['CREATE', 'USER'], perform: mapUser },
  { words: ['ALTER', 'USER'], perform: mapUser },
  { words: ['ALTER', 'ROLE'], perform: alterRole },
  { words: ['ALTER', 'AUTHORIZATION'], perform: alterAuthorization },
  { words: ['EXEC'], perform: addProperty },
  { words: ['DBCC', 'CHECKDB'], perform: checkDatabase },
];
