/**
 * Seed 004's test results, case by case (promises 2, 4 and 7): exact attempts,
 * exponential back-off, conditions, and the events of each try. docs/seeds.md
 * lists them, and maps its queue states to ours.
 */
import { describe, expect, it } from 'vitest';
import type { EventRecord } from '../../src/domain/event.ts';
import { mergePolicies, type RetryInput } from '../../src/domain/retry.ts';
import { checkCondition } from '../../src/runtime/condition.ts';
import { World } from '../scheduler/world.ts';

/** `raise Exception("Test retry")` */
const alwaysFails = () => Promise.reject(new Error('Test retry'));

async function failingJob(retry: RetryInput): Promise<World> {
  const world = await World.with('alice');
  await world.retryBy(mergePolicies({ account: retry }));
  await world.add(['job-1'], 'alice');
  world.script = alwaysFails;
  return world;
}

/** The state after each try until none is left, and the pause before the next one in seconds. */
async function triesOf(
  world: World,
): Promise<readonly (readonly [status: string | undefined, attempts: number | undefined, delay: number])[]> {
  const seen: (readonly [string | undefined, number | undefined, number])[] = [];
  for (let n = 0; n < 9; n += 1) {
    const ended = await world.attempt();
    if (ended === null) break;
    const { status, attempts, dueMs } = ended.job;
    const delay = status === 'retrying' ? (dueMs - world.clock.now()) / 1000 : 0;
    seen.push([status, attempts, delay]);
    // The account rests after three failures in a row; a person says that it need not.
    await world.store.changeAccount('alice', { type: 'clear' }, 'person');
    await world.clock.advance(Math.max(0, dueMs - world.clock.now()));
  }
  return seen;
}

const EXACT = { initial_delay: 2, jitter: 0, max_delay: '1h' };

describe('retry configuration flow', () => {
  it.each([
    [true, 3],
    [false, 1],
    [5, 5],
    [{ max_attempts: 4 }, 4],
  ] as const)('retry: %j means %i attempts', async (retry, attempts) => {
    const tries = await triesOf(await failingJob(retry));
    expect(tries).toHaveLength(attempts);
    expect(tries.at(-1)).toEqual(['failed', attempts, 0]);
  });
});

it('max_attempts=3: retry, retry, dead, with attempts 1, 2 and 3, due after 1 s and 1.5 s', async () => {
  const world = await failingJob({ max_attempts: 3, initial_delay: 1.0, jitter: 0, retry_when: '{{ error != None }}' });
  expect(await triesOf(world)).toEqual([
    ['retrying', 1, 1],
    ['retrying', 2, 1.5],
    ['failed', 3, 0],
  ]);
});

it('max_attempts=5: all five are executed, after 2 s, 3 s, 4.5 s and 6.75 s', async () => {
  const tries = await triesOf(await failingJob({ max_attempts: 5, ...EXACT }));
  expect(tries.map(([, , delay]) => delay)).toEqual([2, 3, 4.5, 6.75, 0]);
  expect(tries.map(([, attempts]) => attempts)).toEqual([1, 2, 3, 4, 5]);
});

describe('retry policy evaluation', () => {
  it('retry_when and stop_when decide; what is not one expression is refused', async () => {
    expect(await triesOf(await failingJob({ ...EXACT, max_attempts: 5, retry_when: "{{ 'refused' in error }}" }))).toEqual([
      ['failed', 1, 0],
    ]);
    expect(await triesOf(await failingJob({ ...EXACT, max_attempts: 5, stop_when: '{{ attempt >= 2 }}' }))).toEqual([
      ['retrying', 1, 2],
      ['failed', 2, 0],
    ]);
    for (const text of ['{% if x %}{% endif %}', '{{ error }} {{ error }}', '{{ open("x") }}', 'true or']) {
      expect(() => checkCondition(text), text).toThrow();
    }
  });

  it('a job that may be retried is claimed when it is due, not before', async () => {
    const world = await failingJob({ max_attempts: 3, ...EXACT });
    await world.attempt();
    await world.clock.advance(1_999);
    expect(await world.attempt()).toBeNull();
    await world.clock.advance(1);
    expect(await world.attempt()).toMatchObject({ job: { attempts: 2 } });
  });
});

describe('event tracking', () => {
  const SEED: readonly EventRecord['type'][] = ['action_started', 'action_error', 'action_retry', 'action_completed'];

  it('action_started, action_error, action_retry and action_completed tell the story, with attempt, max_attempts and retry_delay_seconds', async () => {
    const world = await failingJob({ max_attempts: 3, ...EXACT });
    await world.attempt();
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
    };
    await world.clock.advance(2_000);
    await world.attempt();
    const events = await world.store.events({ job: 'job-1', types: SEED });
    expect(events.map(({ type, who, epoch }) => [type, who, epoch])).toEqual([
      ['action_started', 'worker 1', 1],
      ['action_error', 'worker 1', 1],
      ['action_retry', 'worker 1', 1],
      ['action_started', 'worker 1', 1],
      ['action_completed', 'worker 1', 1],
    ]);
    expect(events[1]).toMatchObject({ phase: 'prepare', category: 'unknown', details: { message: expect.stringContaining('Test retry') } });
    expect(
      events.map(({ details: { attempt, max_attempts, retry_delay_seconds } }) => [attempt, max_attempts, retry_delay_seconds]),
    ).toEqual([
      [1, 3, undefined],
      [1, 3, 2],
      [1, 3, 2],
      [2, 3, undefined],
      [2, 3, undefined],
    ]);
  });

  it('every transition has its event, in order, numbered without gaps', async () => {
    const world = await failingJob({ max_attempts: 2, ...EXACT });
    await triesOf(world);
    const all = await world.store.events({});
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    const ofJob = all.filter(({ job, type }) => job === 'job-1' && !SEED.slice(0, 2).includes(type)).map(({ type }) => type);
    expect(ofJob).toEqual(['claimed', 'action_retry', 'claimed', 'failed']);
  });
});

it('observability: worker logs say what was decided', async () => {
  const world = await failingJob({ max_attempts: 2, ...EXACT });
  await triesOf(world);
  const said = world.logger.messages().filter((message) => message.startsWith('Job job-1 failed'));
  expect(said.map((message) => /will retry|permanently failed/.exec(message)?.[0])).toEqual(['will retry', 'permanently failed']);
});
