/** What a life is about, drawn from its seed: accounts, phones, videos, settings. */
import type { AccountPolicy } from '../../src/domain/account.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import type { Chance } from './chance.ts';
import type { Settings } from './daemon.ts';
import type { Video } from './person.ts';
import type { Kind } from './sim-publisher.ts';
import { drawRates, type Rates } from './storm.ts';

export interface Plan {
  readonly startWallMs: number;
  readonly settings: Settings;
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly videos: readonly Video[];
  readonly rates: Rates;
  /** Faults end after this. */
  readonly stormMs: number;
}

const DAY_MS = 86_400_000;
/** 2026-01-05 00:00 UTC. */
const MONDAY = Date.UTC(2026, 0, 5);
/** An ordinary day, the eve and the day on which Berlin's clocks change, and one in summer: few, for the time zones cost most of a life. */
const DAYS = [0, 82, 83, 180];
const ZONES = ['UTC', 'Europe/Berlin', 'America/Los_Angeles'];
const NAMES = ['alice', 'bob', 'carol'];
const WINDOWS: AccountPolicy['windows'] = [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }];

export function drawPlan(chance: Chance): Plan {
  const names = NAMES.slice(0, chance.whole(1, 3));
  const phones = ['phone-1', 'phone-2'].slice(0, chance.whole(1, 2));
  const kinds = new Map(names.map((name): [string, Kind] => [name, chance.happens(0.6) ? 'phone' : 'module']));
  const policy = (): Omit<AccountPolicy, 'retry'> => ({
    app: 'demo',
    device: chance.pick(phones),
    timezone: chance.pick(ZONES),
    postsPerDay: chance.pick([1, 2, 3, 9]),
    rolling24h: null,
    windows: WINDOWS,
    minGapMs: chance.pick([0, 0, 60_000]),
    jitterMs: 0,
    cooldown: { after: 3, stepMs: 30_000, maxMs: 120_000 },
  });
  // Midnight UTC, and with it that of Berlin or of Los Angeles, is often near.
  const startWallMs = MONDAY + chance.pick([0, 8, 12, 23]) * 3_600_000 + chance.between(0, 3_600_000) + chance.pick(DAYS) * DAY_MS;
  const accounts = names.map((name) => ({ name, policy: policy() }));
  const workers = chance.whole(1, 3);
  const retry = { ...DEFAULT_RETRY, maxAttempts: chance.whole(2, 3), initialDelayMs: 2_000, maxDelayMs: 20_000 };
  return {
    startWallMs,
    settings: {
      accounts: accounts.map(({ name, policy }) => ({ name, policy: { ...policy, retry } })),
      phones,
      workers,
      retry,
      verify: { secondLookMs: 15_000, gapsMs: [20_000, 60_000], giveUpMs: 300_000 },
      phaseLimitsMs: {
        prepare: 30_000,
        push: 30_000,
        open: 30_000,
        identify: 30_000,
        compose: 30_000,
        commit: 20_000,
        confirm: 60_000,
        cleanup: 10_000,
      },
      restMs: chance.pick([0, 5_000]),
    },
    kinds,
    videos: videos(chance, names),
    rates: drawRates(chance),
    stormMs: chance.between(180_000, 720_000),
  };
}

/** Some have the same bytes under two names. */
function videos(chance: Chance, accounts: readonly string[]): readonly Video[] {
  return Array.from({ length: chance.whole(1, 5) }, (_, index) => ({
    name: `v${index + 1}`,
    sha256: String(chance.happens(0.15) ? 1 : index + 1).padStart(64, '0'),
    account: chance.happens(0.6) ? chance.pick(accounts) : null,
  }));
}
