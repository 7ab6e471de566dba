/** Daily caps, counted on what was really published: by the account's local day of each commit point. */
import type { AccountPolicy } from '../../src/domain/account.ts';
import { localDay } from '../../src/domain/window.ts';
import { isPost, type Landing } from './platform.ts';

interface Capped {
  readonly name: string;
  readonly policy: AccountPolicy;
}

export function capViolations(landings: readonly Landing[], accounts: readonly Capped[]): readonly string[] {
  const found: string[] = [];
  for (const { name, policy } of accounts) {
    const days = new Map<string, number>();
    for (const landing of landings.filter((one) => one.account === name && isPost(one))) {
      const { day } = localDay(policy.timezone, landing.committedWallMs);
      days.set(day, (days.get(day) ?? 0) + 1);
    }
    for (const [day, posts] of days) {
      if (posts > policy.postsPerDay) found.push(`${name} posted ${posts} times on ${day}, ${policy.postsPerDay} are allowed`);
    }
  }
  return found;
}
