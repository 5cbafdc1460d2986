/** A Lambda environment at its start: loads the handler that is named, gives it the event of the environment, says what it answered. */
const { handler } = await import(process.argv[2]);
const { statusCode } = await handler(JSON.parse(process.env.EVENT), { awsRequestId: 'cold' });
process.stdout.write(String(statusCode));
