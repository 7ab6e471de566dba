/**
 * A retry policy in one cell of a table: `5`, `false`, or a mapping such as
 * `{max_attempts: 5, stop_when: "{{ attempt >= 2 }}"}`. All that can be wrong
 * with it is found here; of whom it is and in which file it stands is not known.
 */
import { mergePolicies, type RetryFields, type RetryInput, retryFields } from '../domain/retry.ts';
import { SchedulerError } from '../errors.ts';
import { ConditionProblem, checkCondition } from './condition.ts';
import { parseYaml, YamlProblem } from './yaml-text.ts';

/** What is wrong with it, as the end of a sentence. */
export class RetryProblem extends Error {}

const TEXT = (value: unknown) => typeof value === 'string';
const NUMBER = (value: unknown) => typeof value === 'number';
const DURATION = (value: unknown) => TEXT(value) || NUMBER(value);
const KINDS: Readonly<Record<keyof RetryFields, (value: unknown) => boolean>> = {
  max_attempts: NUMBER,
  initial_delay: DURATION,
  backoff_multiplier: NUMBER,
  max_delay: DURATION,
  jitter: NUMBER,
  never: (value) => Array.isArray(value) && value.every(TEXT),
  retry_when: TEXT,
  stop_when: TEXT,
};

/** @throws RetryProblem */
export function parseRetryText(text: string): RetryInput {
  try {
    const input = shaped(parseYaml(text, 'retry').value);
    mergePolicies({ job: input });
    const { retry_when, stop_when } = retryFields(input);
    for (const condition of [retry_when, stop_when]) if (condition !== undefined) checkCondition(condition);
    return input;
  } catch (error) {
    throw new RetryProblem(whatOf(error), { cause: error });
  }
}

function shaped(value: unknown): RetryInput {
  if (typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RetryProblem('must be true, false, a number of attempts, or a mapping such as {max_attempts: 5}');
  for (const [key, inner] of Object.entries(value)) {
    if (!Object.hasOwn(KINDS, key)) throw new RetryProblem(`knows no "${key}"; there are ${Object.keys(KINDS).join(', ')}`);
    if (!KINDS[key as keyof RetryFields](inner)) throw new RetryProblem(`has no ${key} of this kind`);
  }
  return value;
}

function whatOf(error: unknown): string {
  if (error instanceof YamlProblem) return `is not valid YAML: ${error.what}`;
  if (error instanceof SchedulerError) return `is wrong: ${String(error.details.what)}`;
  if (error instanceof ConditionProblem) return `holds a condition that ${error.message}`;
  return error instanceof RetryProblem ? error.message : String(error);
}
