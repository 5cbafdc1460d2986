/** An execution environment of Lambda: loads the handler of a bundle once, and calls it for one event after another. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , file] = process.argv;
const loading = file.endsWith('.cjs') ? createRequire(file)(file) : import(pathToFileURL(file).href);

const answer = async ({ event, context }) => {
  try {
    const { handler } = await loading;
    process.send({ payload: (await handler(event, context)) ?? null });
  } catch ({ name, message, stack }) {
    process.send({ error: { name, message, stack } });
  }
};

process.on('message', (call) => void answer(call));
