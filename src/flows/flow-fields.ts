/**
 * Takes the values out of a flow file one by one, and says where a wrong one stands.
 *
 * Every mapping is closed by `done()`, which refuses keys that nobody took: a
 * misspelt `commit:` must not become a flow without one. Knows YAML values and
 * places, not what a flow means.
 */
import { parseDuration } from '../domain/duration.ts';
import { SchedulerError } from '../errors.ts';
import type { YamlPath, YamlText } from '../runtime/yaml-text.ts';

/** Says `file:line:column: what`. */
export type Complain = (path: YamlPath, what: string) => never;

/** @throws SchedulerError BAD_FLOW, by calling the returned function */
export function complainer(yaml: YamlText): Complain {
  return (path, what) => {
    throw new SchedulerError('BAD_FLOW', { details: { where: yaml.where(path), what } });
  };
}

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: YamlPath;
  readonly #complain: Complain;
  readonly #taken = new Set<string>();

  constructor(value: unknown, path: YamlPath, complain: Complain) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      complain(path, `${nameOf(path)} must be a mapping (key: value)`);
    this.#values = value as Readonly<Record<string, unknown>>;
    this.#path = path;
    this.#complain = complain;
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined && this.#values[key] !== null;
  }

  text(key: string): string {
    return this.#required(key, this.textOrNull(key));
  }

  textOrNull(key: string): string | null {
    const value = this.#take(key);
    if (value === null) return null;
    if (typeof value !== 'string' || value.trim() === '') this.fail(key, `"${key}" must be a text`);
    return value as string;
  }

  texts(key: string): readonly string[] {
    return this.list(key).map((value, at) => {
      if (typeof value !== 'string' || value === '') this.#complain([...this.#path, key, at], `"${key}" must list texts`);
      return value as string;
    });
  }

  flag(key: string): boolean {
    const value = this.#take(key) ?? false;
    if (typeof value !== 'boolean') this.fail(key, `"${key}" must be true or false`);
    return value as boolean;
  }

  /** Milliseconds, of `15s`, `3m` or plain seconds; more than nothing. */
  duration(key: string): number {
    const value = this.#take(key);
    if (value === null) this.fail(key, `"${key}" is missing: how long may it take, for example \`${key}: 15s\`?`);
    const ms = parseDuration(value);
    if (ms === null || ms === 0) this.fail(key, `"${key}" must be a duration such as 15s or 3m`);
    return ms as number;
  }

  /** The empty list when the key is missing. */
  list(key: string): readonly unknown[] {
    const value = this.#take(key) ?? [];
    if (!Array.isArray(value)) this.fail(key, `"${key}" must be a list`);
    return value as readonly unknown[];
  }

  items<T>(key: string, read: (fields: Fields, path: YamlPath) => T): readonly T[] {
    return this.list(key).map((value, at) => {
      const path = [...this.#path, key, at];
      return closed(new Fields(value, path, this.#complain), path, read);
    });
  }

  mapping<T>(key: string, read: (fields: Fields, path: YamlPath) => T): T {
    const path = [...this.#path, key];
    const value = this.#take(key);
    if (value === null) this.#complain(this.#path, `"${[...this.#path, key].join('.')}" is missing`);
    return closed(new Fields(value, path, this.#complain), path, read);
  }

  /** All keys of a mapping whose keys are names. */
  entries(): readonly (readonly [name: string, value: unknown])[] {
    const entries = Object.entries(this.#values);
    for (const [name] of entries) this.#taken.add(name);
    return entries;
  }

  /** Refuses the keys that were not taken. */
  done(): void {
    const unknown = Object.keys(this.#values).find((key) => !this.#taken.has(key));
    if (unknown !== undefined) this.fail(unknown, `unknown key "${unknown}" (known here: ${[...this.#taken].join(', ')})`);
  }

  fail(key: string, what: string): never {
    return this.#complain([...this.#path, key], what);
  }

  #take(key: string): unknown {
    this.#taken.add(key);
    return this.#values[key] ?? null;
  }

  #required<T>(key: string, value: T | null): T {
    if (value === null) this.#complain(this.#path, `"${[...this.#path, key].join('.')}" is missing`);
    return value as T;
  }
}

function closed<T>(fields: Fields, path: YamlPath, read: (fields: Fields, path: YamlPath) => T): T {
  const value = read(fields, path);
  fields.done();
  return value;
}

function nameOf(path: YamlPath): string {
  return path.length === 0 ? 'a flow' : `"${path.join('.')}"`;
}
