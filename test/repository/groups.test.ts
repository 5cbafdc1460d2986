/** Approvers that are a Slack user group: asked of Slack now and then, and never guessed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { OctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import { peopleIn } from '../../lib/domain/runs/approval-policy.ts';
import { policyFor, type PolicyWorld } from '../../lib/repository/people/policy.ts';
import { testClock } from '../clock.ts';

let directory: string;
let asked: number;
let answer: string[] | ErrorCode;
let world: PolicyWorld & { clock: ReturnType<typeof testClock> };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'octo-groups-'));
  asked = 0;
  answer = ['U0BEN', 'U0STRANGER', 'U0CARA'];
  const groupMembers = async () => {
    asked += 1;
    if (typeof answer === 'string') throw new OctoError(answer, 'slack says no');
    return answer;
  };
  world = {
    clock: testClock(),
    state: directoryObjectStore({ directory }),
    chat: { groupMembers } as unknown as PolicyWorld['chat'],
    policy: {
      people: ['ana', 'ben', 'cara'],
      groups: { ops: [], dba: ['ana'] },
      statements: [],
      slackGroups: { ops: 'S0OPS' },
      slackPeople: { U0BEN: 'ben', U0CARA: 'cara' },
    },
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const members = async (group: string) => peopleIn(await policyFor(world, 'prod'), [group]);

it('takes its members whom octo.yml knows, beside groups that octo.yml lists', async () => {
  expect(await members('@ops')).toEqual(['ben', 'cara']);
  expect(await members('@dba')).toEqual(['ana']);
});

it('asks Slack once in five minutes, and sees then who left', async () => {
  await members('@ops');
  await members('@ops');
  expect(asked).toBe(1);
  answer = ['U0CARA'];
  await world.clock.advance(300_000);
  expect(await members('@ops')).toEqual(['cara']);
  expect(asked).toBe(2);
});

it('goes by what it knows while Slack does not answer, for an hour', async () => {
  await members('@ops');
  answer = 'ChatUnavailable';
  await world.clock.advance(3_500_000);
  expect(await members('@ops')).toEqual(['ben', 'cara']);
  await world.clock.advance(200_000);
  await expect(members('@ops')).rejects.toMatchObject({ code: 'ChatUnavailable' });
});

it('takes nobody for an approver where Slack refuses, whatever it said before', async () => {
  await members('@ops');
  answer = 'ChatScopeMissing';
  await world.clock.advance(300_000);
  await expect(members('@ops')).rejects.toMatchObject({ code: 'ChatScopeMissing' });
});
