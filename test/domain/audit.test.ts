/** The chain of the audit: whatever is done to it after a head was kept is found, and the entry it was done to is named. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditFinding,
  type AuditHead,
  auditHash,
  EMPTY_CHAIN,
  followChain,
  headText,
  missingEnd,
  parseHead,
  type StoredEntry,
} from '../../lib/domain/audit.ts';
import { stateKeys } from '../../lib/domain/names.ts';

const entryAfter = (before: AuditHead, reason: string): StoredEntry => {
  const n = before.n + 1;
  const entry = {
    n,
    at: '2026-03-04T02:00:00.000Z',
    who: { person: 'ana', door: 'slack' },
    act: 'backup hold',
    stage: 'intent',
    on: 'prod',
    detail: { reason },
    previous: before.hash,
  };
  return { key: stateKeys.audit(n), bytes: Buffer.from(`${JSON.stringify(entry, null, 2)}\n`) };
};

const headOf = (entries: StoredEntry[]): AuditHead =>
  entries.length === 0 ? EMPTY_CHAIN : { n: entries.length, hash: auditHash(entries.at(-1)!.bytes) };

const chainOf = (reasons: string[]): StoredEntry[] => {
  const entries: StoredEntry[] = [];
  for (const reason of reasons) entries.push(entryAfter(headOf(entries), reason));
  return entries;
};

const verify = (entries: StoredEntry[], kept: AuditHead | null): AuditFinding[] => {
  const findings: AuditFinding[] = [];
  let head = EMPTY_CHAIN;
  for (const stored of entries.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    const step = followChain(head, stored, kept);
    head = step.head;
    findings.push(...step.findings);
  }
  return [...findings, ...missingEnd(head, kept)];
};

/** A chain, and the number of one of its entries. */
const chainAndEntry = fc
  .array(fc.string({ unit: 'binary', maxLength: 30 }), { minLength: 1, maxLength: 12 })
  .chain((reasons) => fc.tuple(fc.constant(chainOf(reasons)), fc.integer({ min: 1, max: reasons.length })));

/** The same bytes in other places: `order[i]` is the entry that now lies at place `i`. */
const relaid = (chain: StoredEntry[], order: number[]): StoredEntry[] =>
  order.map((from, place) => ({ key: stateKeys.audit(place + 1), bytes: chain[from]!.bytes }));

describe('a chain', () => {
  it('is whole as it was written, and after more was written', () => {
    fc.assert(
      fc.property(chainAndEntry, ([chain, n]) => {
        expect(verify(chain, null)).toEqual([]);
        expect(verify(chain, headOf(chain.slice(0, n)))).toEqual([]);
      }),
    );
  });

  it('names an edited entry, whatever byte was changed', () => {
    fc.assert(
      fc.property(chainAndEntry, fc.nat(), fc.integer({ min: 1, max: 255 }), ([chain, n], at, by) => {
        const bytes = Buffer.from(chain[n - 1]!.bytes);
        bytes[at % bytes.length]! ^= by;
        const findings = verify(chain.with(n - 1, { key: chain[n - 1]!.key, bytes }), headOf(chain));
        expect(findings.map((finding) => finding.n)).toContain(n);
      }),
    );
  });

  it('names a cut entry, also at either end', () => {
    fc.assert(
      fc.property(chainAndEntry, ([chain, n]) => {
        const findings = verify(chain.toSpliced(n - 1, 1), headOf(chain));
        expect(findings).toContainEqual({ n, what: expect.stringMatching(new RegExp(`entry ${n} is (missing|gone)`)) });
      }),
    );
  });

  it('names a cut that was closed by moving the rest up', () => {
    fc.assert(
      fc.property(chainAndEntry, ([chain, n]) => {
        const order = chain.map((_, at) => at).toSpliced(n - 1, 1);
        const findings = verify(relaid(chain, order), headOf(chain));
        expect(findings.map((finding) => finding.n)).toContain(n);
      }),
    );
  });

  it('names both entries that changed places', () => {
    fc.assert(
      fc.property(chainAndEntry, fc.nat(), ([chain, n], shift) => {
        fc.pre(chain.length > 1);
        const other = ((n - 1 + 1 + (shift % (chain.length - 1))) % chain.length) + 1;
        const order = chain.map((_, at) => at);
        [order[n - 1], order[other - 1]] = [other - 1, n - 1];
        const named = verify(relaid(chain, order), null).map((finding) => finding.n);
        expect(named).toEqual(expect.arrayContaining([n, other]));
      }),
    );
  });

  it('names an inserted entry, however well it is made', () => {
    fc.assert(
      fc.property(chainAndEntry, ([chain, n]) => {
        const forged = entryAfter(headOf(chain.slice(0, n - 1)), 'nobody asked for this');
        const moved = chain.slice(n - 1).map(({ bytes }, at) => ({ key: stateKeys.audit(n + 1 + at), bytes }));
        const findings = verify([...chain.slice(0, n - 1), forged, ...moved], headOf(chain));
        expect(findings.map((finding) => finding.n)).toContain(n + 1);
      }),
    );
  });

  it('shows against a kept head that it was written anew', () => {
    fc.assert(
      fc.property(chainAndEntry, ([chain, n]) => {
        const anew = chain.slice(0, n - 1);
        while (anew.length < chain.length) anew.push(entryAfter(headOf(anew), 'another history'));
        const kept = headOf(chain);
        fc.pre(headOf(anew).hash !== kept.hash);
        expect(verify(anew, null)).toEqual([]);
        expect(verify(anew, kept)).toEqual([{ n: kept.n, what: expect.stringContaining('rewritten') }]);
      }),
    );
  });

  it('names what lies among its entries and is none', () => {
    const [first, second] = chainOf(['a', 'b']);
    const stray = { key: 'audit/000000000001.json.bak', bytes: Buffer.from('') };
    expect(verify([first!, stray, second!], null)).toEqual([{ n: null, what: expect.stringContaining(stray.key) }]);
  });
});

describe('a head', () => {
  it('is read back as it is shown, whole or shortened to 16 digits', () => {
    const head = headOf(chainOf(['a', 'b']));
    expect(parseHead(headText(head))).toEqual(head);
    const short = parseHead(headText(head, 16));
    expect(short).toEqual({ n: 2, hash: head.hash.slice(0, 16) });
    expect(verify(chainOf(['a', 'b']), short)).toEqual([]);
    expect(verify(chainOf(['a', 'c']), short)).toHaveLength(1);
    for (const text of ['', '2', `2:${head.hash.slice(0, 15)}`, `x:${head.hash}`, `2:${head.hash}0`]) {
      expect(parseHead(text)).toBeNull();
    }
  });
});
