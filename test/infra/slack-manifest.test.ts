/** The manifest asks for exactly the scopes that the program's calls need: one too few fails in the workspace, one too many is refused by its owner. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

/** Scopes per method, from each method's page under https://docs.slack.dev/reference/methods */
const SCOPES: Record<string, string[]> = {
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'chat.postEphemeral': ['chat:write'],
  'conversations.history': ['channels:history', 'groups:history'],
  'files.getUploadURLExternal': ['files:write'],
  'files.completeUploadExternal': ['files:write'],
  'usergroups.users.list': ['usergroups:read'],
  'views.open': [],
  'views.publish': [],
  'views.update': [],
};

type Manifest = {
  features: { slash_commands: { command: string; should_escape: boolean }[] };
  oauth_config: { scopes: { bot: string[] } };
};

const manifest = parse(readFileSync('infra/slack-manifest.yml', 'utf8')) as Manifest;

const calledMethods = (): string[] => {
  const source = ['handlers/slack*.ts', 'lib/adapters/chat.slack*.ts', 'worker/slack*.ts']
    .flatMap((pattern) => globSync(pattern))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const calls = source.matchAll(/\b((?:chat|conversations|files|reactions|usergroups|users|views)(?:\.[a-zA-Z]+)+)\(/g);
  return [...new Set([...calls].map(([, method]) => method!))];
};

it('asks for exactly the scopes that the calls need', () => {
  const methods = calledMethods();
  expect(methods).toContain('chat.postMessage');
  expect(methods.filter((method) => !(method in SCOPES))).toEqual([]);
  const needed = new Set(['commands', ...methods.flatMap((method) => SCOPES[method] ?? [])]);
  expect(manifest.oauth_config.scopes.bot.toSorted()).toEqual([...needed].sort());
});

it('declares the command, with mentions as ids', () => {
  expect(manifest.features.slash_commands).toEqual([
    expect.objectContaining({ command: '/octo', should_escape: true }),
  ]);
});
