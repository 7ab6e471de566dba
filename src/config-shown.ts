/**
 * `--show-config`: every setting by its name in scheduler.yaml, as it could be
 * written there, and where it comes from. Secrets are named, never shown.
 */
import type { Config, Said } from './config.ts';
import { fileAsJsonSchema } from './config-schema.ts';
import type { RetryPolicy } from './domain/retry.ts';
import { SECRET_NAME } from './domain/scrub.ts';

export interface ShownSetting {
  /** Dotted: `passes.max_passes`. */
  readonly setting: string;
  /** null = nothing was said, and there is no default to write: see `otherwise`. */
  readonly value: unknown;
  /** What happens then, in words. */
  readonly otherwise?: string;
  readonly from: Said['from'] | 'default';
}

/** A part of a JSON Schema. */
interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly default?: unknown;
  readonly otherwise?: string;
}

/** In the order of docs/configuration.md. */
export function configInWords(config: Config): readonly ShownSetting[] {
  const inForce = { timezone: config.timezone, store: config.store };
  const defaults = defaultsIn(fileAsJsonSchema() as Described).flatMap((one) =>
    one.setting === 'retry' ? retryFields(config.defaults.retry) : [{ ...one, value: inForce[one.setting as never] ?? one.value }],
  );
  const said = Object.entries(config.said).map(([setting, { value, from }]) => ({ setting, value, from }));
  const shown = defaults.flatMap((one) => {
    const own = said.filter(({ setting }) => setting === one.setting || setting.startsWith(`${one.setting}.`));
    return own.length > 0 ? own : [one];
  });
  const rest = said.filter((one) => !shown.includes(one));
  return [...shown, ...rest].map((one) => ({ ...one, value: withoutSecrets(one.value, one.setting) }));
}

function defaultsIn({ properties, otherwise, default: value }: Described, setting = ''): readonly ShownSetting[] {
  if (properties === undefined)
    return [{ setting, value: value ?? null, from: 'default', ...(value === undefined && otherwise ? { otherwise } : {}) }];
  return Object.entries(properties).flatMap(([key, inner]) => defaultsIn(inner, setting === '' ? key : `${setting}.${key}`));
}

function retryFields(policy: RetryPolicy): readonly ShownSetting[] {
  const fields = {
    max_attempts: policy.maxAttempts,
    initial_delay: `${policy.initialDelayMs / 1_000}s`,
    backoff_multiplier: policy.backoffMultiplier,
    max_delay: `${policy.maxDelayMs / 1_000}s`,
    jitter: policy.jitter,
    never: policy.never,
    retry_when: policy.retryWhen,
    stop_when: policy.stopWhen,
  };
  return Object.entries(fields).map(([field, value]) => ({ setting: `retry.${field}`, value, from: 'default' }));
}

/** A reference such as `env:GEELARK_TOKEN` says where the secret is, and may be seen; a URL may hold a password. */
function withoutSecrets(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => withoutSecrets(inner, name));
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'object') {
    if (SECRET_NAME.test(name) && !String(value).startsWith('env:')) return '(hidden)';
    return typeof value === 'string' ? value.replace(/(\/\/[^/:@\s]*):[^/@\s]+@/, '$1:(hidden)@') : value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]));
}
