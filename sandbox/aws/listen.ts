/** Starts and stops the HTTP servers of the AWS stand-ins, on this machine only. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Running = { url: string; close(): Promise<void> };

/** Listens on 127.0.0.1; closing breaks the connections that are still open. */
export const listen = async (server: Server, port: number): Promise<Running> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
