/**
 * What an instance costs in AWS in a month, from what was counted of a real run and the list prices of one region. An estimate:
 * docs/cost.md says where each number comes from, and what is left out.
 */

/** US dollars, us-east-1. */
const PRICES = {
  transition: 0.000025,
  writeOrList: 0.000005,
  read: 0.0000004,
  functionCall: 0.0000002,
  functionGigabyteSecond: 0.0000133334,
  queueRequest: 0.0000004,
  storedGigabyte: 0.023,
  secret: 0.4,
  key: 1,
  alarm: 0.1,
};

/** Counted by `npm run rehearse`: a backup of a small server; one in maintenance mode enters three states more. */
const RUN = { transitions: 25, writesAndLists: 194, reads: 275, functionCalls: 15 };
/** Objects of 8 to 16 MB: so many writes each gigabyte that is new brings. */
const WRITES_PER_GIGABYTE = 90;
/** The schedule and the verifier every five minutes, the watcher every ten. */
const ROUNDS = { calls: 21_600, requestsEach: 20 };
/** A worker looks every 20 s and reports every five minutes. */
const HOST = { queueRequests: 129_600, reports: 8_640, alarms: 2 };
/** So long a function works, and with so much memory, on average. */
const CALL = { seconds: 0.5, gigabytes: 1 };
const SHARED_ALARMS = 12;

export type CostFacts = {
  runsPerMonth: number;
  addedBytesPerRun: number;
  storedBytes: number;
  hosts: number;
  secrets: number;
};

export type CostLine = { what: string; dollars: number };

/** One line for each thing that is paid for, per month of thirty days. */
export const monthlyCost = (facts: CostFacts): CostLine[] => {
  const { runsPerMonth, hosts } = facts;
  const calls = runsPerMonth * RUN.functionCalls + ROUNDS.calls;
  const added = (facts.addedBytesPerRun / 1e9) * WRITES_PER_GIGABYTE;
  const writes = runsPerMonth * (RUN.writesAndLists + added) + hosts * HOST.reports;
  const reads = runsPerMonth * RUN.reads + ROUNDS.calls * ROUNDS.requestsEach + hosts * HOST.reports;
  return [
    { what: 'workflows', dollars: runsPerMonth * RUN.transitions * PRICES.transition },
    {
      what: 'functions',
      dollars: calls * (PRICES.functionCall + CALL.seconds * CALL.gigabytes * PRICES.functionGigabyteSecond),
    },
    { what: 'requests to the stores', dollars: writes * PRICES.writeOrList + reads * PRICES.read },
    { what: 'queues', dollars: hosts * HOST.queueRequests * PRICES.queueRequest },
    { what: 'stored archives', dollars: (facts.storedBytes / 1e9) * PRICES.storedGigabyte },
    { what: 'secrets and the key', dollars: facts.secrets * PRICES.secret + PRICES.key },
    { what: 'alarms', dollars: (SHARED_ALARMS + hosts * HOST.alarms) * PRICES.alarm },
  ];
};
