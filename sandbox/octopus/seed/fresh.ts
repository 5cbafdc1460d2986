/** What an Octopus server holds that was installed a moment ago: the default space, its first users, its own certificate. */
import { noNumbers } from './history.ts';
import { seedInfrastructure, type Rows } from './infrastructure.ts';
import { seedSecrets, type SecretsContext } from './secrets.ts';

/** The administrator, and the two service accounts of the bot. */
const FIRST_USERS = 3;

export const freshRows = (context: SecretsContext): Rows => {
  const { Space = [], User = [] } = seedInfrastructure(context.random.branch('infrastructure')).rows;
  const { Certificate = [], Feed = [] } = seedSecrets(context, []);
  const ofDefaultSpace = Space.slice(0, 1);
  return {
    Space: ofDefaultSpace,
    User: User.slice(0, FIRST_USERS),
    Certificate: Certificate.filter(({ Id }) => Id === 'certificate-global'),
    Feed: Feed.filter(({ FeedType, SpaceId }) => FeedType === 'BuiltIn' && SpaceId === ofDefaultSpace[0]?.['Id']),
    KeyAllocation: Object.keys(noNumbers()).map((CollectionName) => ({ CollectionName, Allocated: 0 })),
  };
};
