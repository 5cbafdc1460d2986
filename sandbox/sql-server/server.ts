/**
 * A SQL Server stand-in at the wire: TDS 7.4 over TCP with TLS, a subset of T-SQL, real backups of real rows.
 *
 * Listens on 127.0.0.1 only. What it serves is listed in `serves.ts`; anything else gets SQL Server's own error.
 * @see MS-TDS, https://learn.microsoft.com/openspecs/windows_protocols/ms-tds
 */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { selfSignedCertificate } from './certificate.ts';
import { serveConnection } from './connection.ts';
import { openInstance } from './records.ts';
import type { Faults, InstanceSettings, LoginSettings } from './instance.ts';

export { serves } from './serves.ts';

export type SqlServerOptions = Partial<Omit<InstanceSettings, 'logins' | 'directory'>> & {
  /** 0 or nothing: any free port. */
  port?: number;
  /** Databases, backups and the list of both live here, and survive a restart. */
  directory: string;
  /** A login is `sysadmin` unless its roles are given. */
  logins: Record<string, string | LoginSettings>;
  /** Clients that cannot encrypt are turned away. */
  isEncryptionForced?: boolean;
};

export type SqlServerStandIn = {
  port: number;
  /** Where databases and, by default, backups are written. */
  paths: { data: string; backup: string };
  /** The certificate in PEM, for clients that verify it. */
  certificate: string;
  faults: Faults;
  close(): Promise<void>;
};

/** Starts a stand-in on 127.0.0.1. */
export const startSqlServer = async (options: SqlServerOptions): Promise<SqlServerStandIn> => {
  mkdirSync(options.directory, { recursive: true });
  const instance = openInstance({
    serverName: options.serverName ?? 'SANDBOX-SQL',
    majorVersion: options.majorVersion ?? 16,
    edition: options.edition ?? 'Standard',
    utcOffsetMinutes: options.utcOffsetMinutes ?? 0,
    bytesPerSecond: options.bytesPerSecond ?? null,
    directory: options.directory,
    logins: Object.fromEntries(
      Object.entries(options.logins).map(([name, login]) => [
        name,
        typeof login === 'string' ? { password: login } : login,
      ]),
    ),
  });
  const certificate = selfSignedCertificate();
  const context = createSecureContext({ ...certificate, maxVersion: 'TLSv1.2' });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    serveConnection(instance, socket, { context, isForced: options.isEncryptionForced ?? false });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    paths: instance.paths,
    certificate: certificate.cert,
    faults: instance.faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
