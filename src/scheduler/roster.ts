/**
 * Which accounts there are: those of the store, which `--add-accounts` fills,
 * and those of scheduler.yaml, which adds to them and overrides by name. One
 * that leaves the YAML is paused, never deleted: its history protects it.
 */
import type { AccountPolicy } from '../domain/account.ts';
import type { Store } from '../stores/store.ts';

export interface RosterParts {
  readonly store: Store;
  readonly nowMs: number;
  /** The names in scheduler.yaml. */
  readonly named: readonly string[];
  readonly policyOf: (name: string) => AccountPolicy;
}

const LEFT = 'it is not in scheduler.yaml any more';
const WHO = 'configuration';

/** Brings the store in step with the configuration; at start and at reload. */
export async function applyRoster({ store, nowMs, named, policyOf }: RosterParts): Promise<void> {
  const before = ((await store.value('yaml_accounts')) ?? []) as readonly string[];
  const known = await store.accounts(nowMs);
  const names = new Set([...known.map((account) => account.name), ...named]);
  await store.putAccounts([...names].map((name) => ({ name, policy: policyOf(name) })));
  for (const account of known) {
    const gone = before.includes(account.name) && !named.includes(account.name);
    if (gone && account.state === 'active') await store.changeAccount(account.name, { type: 'pause', reason: LEFT }, WHO);
    const back = named.includes(account.name) && account.state === 'paused' && account.reason === LEFT;
    if (back) await store.changeAccount(account.name, { type: 'resume' }, WHO);
  }
  await store.setValue('yaml_accounts', named);
}
