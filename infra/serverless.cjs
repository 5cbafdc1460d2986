/** The way from serverless.yml into our own modules: its files are loaded by `require`, which gives a module's exports from Node 24 on. */
module.exports = require('./aws/deployment.ts');
