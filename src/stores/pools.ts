/**
 * The name of a pool: the set of accounts that may publish an unbound job. It
 * says its members itself, so that a snapshot can be read in another home.
 */

/** All accounts, also those added later. */
export const ALL_ACCOUNTS = '*';

/** Canonical: the same set has one name. Account names hold no commas (the command line splits on them). */
export function poolName(accounts: readonly string[] | null): string {
  return accounts === null ? ALL_ACCOUNTS : [...new Set(accounts)].sort().join(',');
}

/** null = all accounts. */
export function poolMembers(pool: string): readonly string[] | null {
  return pool === ALL_ACCOUNTS ? null : pool.split(',').filter((name) => name !== '');
}
