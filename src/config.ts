/**
 * Every setting: its shape, its default, and where its value came from.
 *
 * Order: built-in default, `scheduler.yaml`, command line. The result is
 * complete and frozen: nothing else in the program applies a default. Secrets
 * (`env:NAME`) stay references; they are resolved where they are used and are
 * never stored or printed. This file must not know a store, a phone or a socket.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { badConfig, readConfigFile } from './config-file.ts';
import type { Written } from './config-schema.ts';
import type { AccountPolicy, CooldownPolicy } from './domain/account.ts';
import type { Phase } from './domain/failure.ts';
import { mergePolicies, type RetryPolicy } from './domain/retry.ts';
import type { YamlText } from './runtime/yaml-text.ts';

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

export interface Said {
  readonly value: unknown;
  readonly from: 'file' | 'command line';
}

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
  /** What is older, or more, than this is removed. */
  readonly retention: {
    readonly eventsMs: number;
    /** Each log is kept for so many days, and in so many files. */
    readonly logs: { readonly keepMs: number; readonly keepFiles: number };
    readonly evidence: { readonly keepMs: number; readonly mostBytes: number };
  };
  /** null = one per reachable device, at most 3. */
  readonly workers: number | null;
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
  /** Budgets per phase, milliseconds. */
  readonly phases: Readonly<Record<Phase, number>>;
  /** What somebody said, by its dotted name in scheduler.yaml and as it was written; the rest is at its default. */
  readonly said: Readonly<Record<string, Said>>;
}

/** What the command line may override. */
export interface ConfigOverrides {
  readonly store?: string;
  readonly workers?: number;
  readonly maxPasses?: number;
  readonly retryDelayMs?: number;
  readonly infraRetryLimit?: number;
  /** False by `--no-retry-unknown`. */
  readonly unknownIsRetryable?: boolean;
  readonly timezone?: string;
}

export interface LoadConfigRequest {
  /** Absolute path. */
  readonly home: string;
  /** `--config FILE`; null = `scheduler.yaml` in the home, if there is one. */
  readonly file: string | null;
  readonly overrides: ConfigOverrides;
}

/**
 * The settings in force. Reads one file, writes none.
 *
 * @throws SchedulerError BAD_CONFIG, as `scheduler.yaml:12:5: workers must be a number, not a string`
 */
export function loadConfig(request: LoadConfigRequest): Config {
  const home = resolve(request.home);
  const path = request.file === null ? join(home, 'scheduler.yaml') : resolve(request.file);
  const text = readText(path, request.file !== null);
  const { written, yaml } = readConfigFile(text ?? '', basename(path));
  const { overrides } = request;
  const timezone = overrides.timezone ?? written.timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  checkAccounts(written, yaml);
  const complete = complement(written, timezone, overrides);
  const folder = dirname(path);
  return {
    home,
    file: text === null ? null : path,
    store: storeOf(overrides.store ?? written.store ?? null, home),
    timezone,
    accounts: written.accounts.map((account) => ({
      name: account.name,
      policy: policyOf(account, written, complete),
      publisher: account.publisher === undefined ? null : publisherOf(account.publisher, folder),
    })),
    defaults: policyOf({ name: '' }, written, complete),
    delayBetweenPostsMs: written.defaults.delay_between_posts,
    tooLateMs: written.defaults.too_late,
    deferLimitMs: written.defer_limit,
    retention: {
      eventsMs: written.retention.events,
      logs: { keepMs: written.retention.logs, keepFiles: written.retention.log_files },
      evidence: { keepMs: written.retention.evidence, mostBytes: written.retention.evidence_size },
    },
    workers: overrides.workers ?? written.workers ?? null,
    passes: complete.passes,
    cooldown: complete.cooldown,
    appium: appiumOf(written.appium),
    devices: {
      usb: written.devices.usb,
      network: written.devices.network,
      simulated: written.devices.simulated,
      geelark: written.devices.geelark ?? null,
    },
    adb: { port: written.adb.port ?? null, path: written.adb.path ?? null },
    publisher: publisherOf(written.publisher, folder),
    verify: {
      settleMs: written.verify.settle,
      secondLookMs: written.verify.second_look,
      gapsMs: written.verify.gaps,
      giveUpMs: written.verify.give_up,
    },
    phases: written.phases,
    said: saidBy(yaml.value, overrides),
  };
}

/** The policy of an account: as the YAML says, else the defaults. */
export function accountPolicy(config: Config, name: string): AccountPolicy {
  return config.accounts.find((account) => account.name === name)?.policy ?? config.defaults;
}

/** The publisher of an account: as the YAML says, else that of the file. */
export function accountPublisher(config: Config, name: string): PublisherConfig {
  return config.accounts.find((account) => account.name === name)?.publisher ?? config.publisher;
}

/** The phones there can be; null = nobody named any, or those are found by looking. */
export function namedPhones({ devices }: Config): readonly string[] | null {
  const named = [...devices.network, ...devices.simulated].map(({ name }) => name);
  return devices.usb || devices.geelark !== null || named.length === 0 ? null : named;
}

/** What `--status` shows of the settings and the daemon stores as the value `config`: small, and free of secrets. */
export function shownSettings(config: Config): Readonly<Record<string, unknown>> {
  return {
    workers: config.workers,
    max_passes: config.passes.maxPasses,
    retry_delay_seconds: config.passes.delayMs / 1_000,
    infra_retry_limit: config.passes.infraRetryLimit,
    unknown_is_retryable: config.passes.unknownIsRetryable,
    max_attempts: config.defaults.retry.maxAttempts,
    posts_per_day: config.defaults.postsPerDay,
    delay_between_posts_seconds: config.delayBetweenPostsMs / 1_000,
    defer_limit_seconds: config.deferLimitMs / 1_000,
    timezone: config.timezone,
    publisher: config.publisher.kind,
  };
}

type WrittenAccount = Partial<Omit<Written['accounts'][number], 'name'>> & { readonly name: string };
type Complete = Pick<Config, 'passes' | 'cooldown' | 'timezone'>;

function complement(written: Written, timezone: string, overrides: ConfigOverrides): Complete {
  const passes = {
    maxPasses: overrides.maxPasses ?? written.passes.max_passes,
    delayMs: overrides.retryDelayMs ?? written.passes.delay,
    infraRetryLimit: overrides.infraRetryLimit ?? written.passes.infra_retry_limit,
    unknownIsRetryable: overrides.unknownIsRetryable ?? written.passes.unknown_is_retryable,
  };
  const cooldown = { after: written.cooldown.after, stepMs: written.cooldown.step, maxMs: written.cooldown.max };
  return { timezone, passes, cooldown };
}

/** `infra_retry_limit` and `unknown_is_retryable` are limits per category of every retry policy. */
function limited(policy: RetryPolicy, passes: Config['passes']): RetryPolicy {
  const unknown = passes.unknownIsRetryable ? {} : { unknown: 0 };
  return { ...policy, limits: { ...policy.limits, infrastructure: passes.infraRetryLimit, ...unknown } };
}

function policyOf(account: WrittenAccount, written: Written, complete: Complete): AccountPolicy {
  const { defaults } = written;
  const app = account.app ?? defaults.app;
  const layers = { config: written.retry ?? null, app: written.apps[app]?.retry ?? null, account: account.retry ?? null };
  return {
    app,
    device: account.device ?? null,
    timezone: account.timezone ?? complete.timezone,
    postsPerDay: account.posts_per_day ?? defaults.posts_per_day,
    rolling24h: account.rolling_24h === undefined ? defaults.rolling_24h : account.rolling_24h,
    windows: account.windows ?? defaults.windows,
    minGapMs: account.min_gap ?? defaults.min_gap,
    jitterMs: account.jitter ?? defaults.jitter,
    cooldown: complete.cooldown,
    retry: limited(mergePolicies(layers), complete.passes),
  };
}

function checkAccounts(written: Written, yaml: YamlText): void {
  const seen = new Set<string>();
  written.accounts.forEach(({ name }, index) => {
    if (seen.has(name)) throw badConfig(yaml.where(['accounts', index]), `the account "${name}" is listed twice; keep one`);
    seen.add(name);
  });
}

function appiumOf(written: Written['appium']): Config['appium'] {
  return {
    url: written.url?.replace(/\/+$/, '') ?? null,
    basePort: written.base_port,
    healthTimeoutMs: written.health_timeout,
    failuresBeforeRestart: written.failures_before_restart,
    retryEveryMs: written.retry_every,
    restartPauseMs: written.restart_pause,
  };
}

/** A relative module is meant from the file that names it; a bare word is a package. */
function publisherOf(written: Written['publisher'], folder: string): PublisherConfig {
  if (written === 'appium') return { kind: 'appium' };
  const path = /^[./]|^[A-Za-z]:/.test(written.module) ? resolve(folder, written.module) : written.module;
  return { kind: 'module', path, options: written.options };
}

function storeOf(written: string | null, home: string): string {
  if (written === null) return join(home, 'scheduler_state.db');
  return /^[a-z]{2,}:\/\//i.test(written) ? written : resolve(home, written);
}

function readText(path: string, mustExist: boolean): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !mustExist) return null;
    throw badConfig(path, code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? String(error)})`);
  }
}

const OVERRIDE_KEYS: Readonly<Record<keyof ConfigOverrides, string>> = {
  store: 'store',
  workers: 'workers',
  maxPasses: 'passes.max_passes',
  retryDelayMs: 'passes.delay',
  infraRetryLimit: 'passes.infra_retry_limit',
  unknownIsRetryable: 'passes.unknown_is_retryable',
  timezone: 'timezone',
};

function saidBy(value: unknown, overrides: ConfigOverrides): Config['said'] {
  const said: Record<string, Said> = {};
  const walk = (node: unknown, path: string): void => {
    if (typeof node === 'object' && node !== null && !Array.isArray(node)) {
      for (const [key, inner] of Object.entries(node)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else if (path !== '') {
      said[path] = { value: node, from: 'file' };
    }
  };
  walk(value, '');
  for (const [key, given] of Object.entries(overrides) as [keyof ConfigOverrides, unknown][]) {
    const written = key === 'retryDelayMs' ? `${Number(given) / 1_000}s` : given;
    if (given !== undefined) said[OVERRIDE_KEYS[key]] = { value: written, from: 'command line' };
  }
  return said;
}
