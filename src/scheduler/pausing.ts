/**
 * Pauses that a person orders for one account or one phone. They are in the
 * store, so that they outlast a restart and can be ordered without a daemon.
 */
import { SchedulerError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import type { DeskParts } from './desk.ts';
import { BY_PERSON, PAUSED_PHONES } from './pause.ts';
import { type Accepted, accepted, refused, WHO } from './replies.ts';

export async function pausedPhones(store: Pick<Store, 'value'>): Promise<readonly string[]> {
  return ((await store.value(PAUSED_PHONES)) ?? []) as readonly string[];
}

export async function pauseAccount({ store }: DeskParts, what: 'pause' | 'resume', name: string): Promise<Accepted> {
  const account = await store.account(name);
  if (account === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
  if (account.state === 'hold')
    throw refused(`${name} is on hold: ${account.reason ?? 'no reason given'}`, `\`--release ${name}\` when it is in order again.`);
  if (what === 'pause') {
    if (account.state === 'paused') return accepted(`${name} was paused already: ${account.reason ?? BY_PERSON}.`);
    await store.changeAccount(name, { type: 'pause', reason: BY_PERSON }, WHO);
    return accepted(`${name} begins no further post; one that is under way goes on.`);
  }
  if (account.state !== 'paused') return accepted(`${name} was not paused.`);
  if (account.reason !== BY_PERSON)
    throw refused(`${name} is paused: ${account.reason}`, 'Put it back into scheduler.yaml, then `scheduler --reload`.');
  await store.changeAccount(name, { type: 'resume' }, WHO);
  return accepted(`${name} may post again.`);
}

export async function pausePhone({ store, daemon, phones = null }: DeskParts, what: 'pause' | 'resume', name: string): Promise<Accepted> {
  const before = await pausedPhones(store);
  const known = daemon?.phones?.() ?? phones;
  if (what === 'pause' && known !== null && !known.includes(name)) {
    throw refused(`there is no phone "${name}"`, known.length === 0 ? 'No phone is known now.' : `There are ${known.join(', ')}.`);
  }
  const others = before.filter((phone) => phone !== name);
  await store.setValue(PAUSED_PHONES, what === 'pause' ? [...others, name] : others);
  await daemon?.phonesPaused?.();
  if (what === 'pause') return accepted(`The phone ${name} begins no further post; one that is under way goes on.`);
  return accepted(before.includes(name) ? `The phone ${name} posts again.` : `The phone ${name} was not paused.`);
}
