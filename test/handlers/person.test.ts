/** Who somebody is, through which door: one person counts once, and a stranger can never pass for one. */
import { describe, expect, it } from 'vitest';
import type { SlackRequest } from '../../lib/slack/receive.ts';
import { slackPerson, terminalPerson } from '../../handlers/person.ts';

const people = [{ name: 'ben', slack: 'U0BEN', account: 'b.smith' }];
const typedBy = (user: string, userName: string): SlackRequest => ({
  kind: 'command',
  triggerId: '1',
  team: 'T1',
  channel: 'C1',
  user,
  userName,
  responseUrl: null,
  text: '',
});

describe('a person', () => {
  it('is the same through both doors', () => {
    expect(slackPerson(people, typedBy('U0BEN', 'whatever')).person).toBe('ben');
    expect(terminalPerson({ people, slack: undefined }, 'b.smith').person).toBe('ben');
  });

  it('is not whoever bears the name of one', () => {
    expect(slackPerson(people, typedBy('U0EVE', 'ben')).person).toBe('ben (slack)');
    expect(terminalPerson({ people, slack: undefined }, 'ben').person).toBe('ben (terminal)');
  });
});
