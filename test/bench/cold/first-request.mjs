/** A Lambda environment at its start: loads the handler that is named, gives it the event of the environment, says what it answered and the processor time so far. */
const { handler } = await import(process.argv[2]);
const { statusCode } = await handler(JSON.parse(process.env.EVENT), { awsRequestId: 'cold' });
const { user, system } = process.cpuUsage();
process.stdout.write(`${statusCode} ${(user + system) / 1000}`);
