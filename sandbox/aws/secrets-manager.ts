/**
 * A stand-in for AWS Secrets Manager over its JSON 1.1 protocol, for one account. It checks signatures, names, sizes and
 * states as the original does; what it does not serve (see `serves`) is refused.
 */
import { startJsonService } from './json/json-service.ts';
import type { JsonOperation, JsonStandIn } from './json/json-service.ts';
import { secretsServes as serves } from './secrets/secrets-operations.ts';
import { openSecretsShelf } from './secrets/secrets-shelf.ts';

export { serves };

export type SecretsManagerStandIn = JsonStandIn;

/** Starts the stand-in on `port` (any free one by default); `directory` keeps its data. */
export const startSecretsManager = async (options: {
  port?: number;
  directory: string;
}): Promise<SecretsManagerStandIn> => {
  const shelf = openSecretsShelf(options.directory);
  const operations = serves.flatMap(({ operation, perform }): [string, JsonOperation][] =>
    perform === undefined
      ? []
      : [[operation, (parameters) => perform({ shelf, parameters, nowSeconds: Date.now() / 1000 })]],
  );
  const running = await startJsonService(
    {
      name: 'secretsmanager',
      target: 'secretsmanager',
      version: '1.1',
      errors: { internal: 'InternalServiceError', throttled: 'ThrottlingException' },
      messageField: 'Message',
      operations: new Map(operations),
    },
    options.port ?? 0,
  );
  return {
    ...running,
    close: async () => {
      await running.close();
      shelf.close();
    },
  };
};
