/** `--show-config`: every setting in force and where it comes from, for people and programs. Secrets are named, never shown. */
import type { Config } from './config.ts';

export interface ShownSetting {
  /** Dotted, in the words of the code: `passes.maxPasses`. */
  readonly setting: string;
  readonly value: unknown;
}

const SECRET = /token|secret|password|credential/i;

/** One entry for each setting that is a plain value, a list of them, or empty. */
export function configInWords(config: Config): readonly ShownSetting[] {
  const { sources: _, ...settings } = config;
  return flatten('', withoutSecrets(settings));
}

/** What is not at its default, by its name in scheduler.yaml. */
export function sourcesInWords(config: Config): readonly { readonly setting: string; readonly from: string }[] {
  return Object.entries(config.sources).map(([setting, from]) => ({ setting, from }));
}

function flatten(path: string, value: unknown): readonly ShownSetting[] {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isGroup) return [{ setting: path, value }];
  return Object.entries(value as object).flatMap(([name, inner]) => flatten(path === '' ? name : `${path}.${name}`, inner));
}

/** A reference such as `env:GEELARK_TOKEN` says where the secret is, and may be seen; a URL may hold a password. */
function withoutSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    if (SECRET.test(name) && !value.startsWith('env:')) return '(hidden)';
    return value.replace(/(\/\/[^/:@\s]*):[^/@\s]+@/, '$1:(hidden)@');
  }
  if (Array.isArray(value)) return value.map((inner) => withoutSecrets(inner, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]));
}
