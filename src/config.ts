/**
 * Every setting: its shape, its default, and where its value came from.
 *
 * Order: built-in default, `scheduler.yaml`, command line. The result is
 * complete and frozen: nothing else in the program applies a default. Secrets
 * (`env:NAME`) stay references; they are resolved where they are used and are
 * never stored or printed. This file must not know a store, a phone or a socket.
 */
import type { AccountPolicy, CooldownPolicy } from './domain/account.ts';
import type { Phase } from './domain/failure.ts';
import type { RetryPolicy } from './domain/retry.ts';

export type PublisherConfig =
  | { readonly kind: 'appium' }
  /** `path` is absolute, or a package's name. */
  | { readonly kind: 'module'; readonly path: string; readonly options: Readonly<Record<string, unknown>> };

/** A phone reached over the network, or a simulated one. `address` is `host:port`. */
export interface DeviceAddress {
  readonly name: string;
  readonly address: string;
}

export interface AccountConfig {
  readonly name: string;
  readonly policy: AccountPolicy;
  /** Its own publisher; null = that of the config. */
  readonly publisher: PublisherConfig | null;
}

export type SettingSource = 'default' | 'file' | 'command line';

export interface Config {
  /** Absolute path. */
  readonly home: string;
  /** The YAML file that was read; null = there is none. */
  readonly file: string | null;
  /** Absolute path of the SQLite file, or a `postgres://` URL. */
  readonly store: string;
  /** IANA zone. */
  readonly timezone: string;
  /** Accounts named in the YAML; those added by `--add-accounts` live in the store alone. */
  readonly accounts: readonly AccountConfig[];
  /** The policy of an account that the YAML does not name. */
  readonly defaults: AccountPolicy;
  /** One phone's rest between two posts. */
  readonly delayBetweenPostsMs: number;
  /** A job later than this after its own publish_at is skipped. */
  readonly tooLateMs: number;
  /** A job deferred for longer than this calls a human. */
  readonly deferLimitMs: number;
  /** null = one per reachable device, at most 3. */
  readonly workers: number | null;
  readonly retry: RetryPolicy;
  readonly passes: {
    readonly maxPasses: number;
    readonly delayMs: number;
    readonly infraRetryLimit: number;
    readonly unknownIsRetryable: boolean;
  };
  readonly cooldown: CooldownPolicy;
  readonly appium: {
    /** A server that is not ours; null = we start one. */
    readonly url: string | null;
    readonly basePort: number;
    readonly healthTimeoutMs: number;
    readonly failuresBeforeRestart: number;
    readonly retryEveryMs: number;
    readonly restartPauseMs: number;
  };
  readonly devices: {
    readonly usb: boolean;
    readonly network: readonly DeviceAddress[];
    readonly simulated: readonly DeviceAddress[];
    /** `token` is a reference such as `env:GEELARK_TOKEN`, or the token itself. */
    readonly geelark: { readonly token: string } | null;
  };
  readonly adb: {
    /** Port of the adb server; null = adb's own default. */
    readonly port: number | null;
    readonly path: string | null;
  };
  readonly publisher: PublisherConfig;
  readonly verify: {
    readonly settleMs: number;
    readonly secondLookMs: number;
    readonly gapsMs: readonly number[];
    readonly giveUpMs: number;
  };
  /** Budgets per phase, milliseconds; a phase without an entry has the attempt's own default. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** Dotted key -> where its value came from; keys left at their default are not listed. */
  readonly sources: Readonly<Record<string, SettingSource>>;
}

/** What the command line may override. */
export interface ConfigOverrides {
  readonly store?: string;
  readonly workers?: number;
  readonly maxPasses?: number;
  readonly retryDelayMs?: number;
  readonly infraRetryLimit?: number;
  readonly timezone?: string;
}

export interface LoadConfigRequest {
  /** Absolute path. */
  readonly home: string;
  /** `--config FILE`; null = `scheduler.yaml` in the home, if there is one. */
  readonly file: string | null;
  readonly overrides: ConfigOverrides;
}
