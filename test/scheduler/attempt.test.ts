/** Guards promises 1, 2 and 4: whatever a publisher does, nothing goes out twice, nothing is lost, and the right one is blamed. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_PHASE_LIMITS_MS } from '../../src/domain/failure.ts';
import { parseRetry } from '../../src/domain/retry.ts';
import { SchedulerError } from '../../src/errors.ts';
import { attemptLimitMs } from '../../src/scheduler/phase-timer.ts';
import { post, World } from './world.ts';

const never = () => new Promise<void>(() => {});

async function oneVideo(): Promise<World> {
  const world = await World.with('alice');
  await world.add(['beach']);
  return world;
}

/** A person pauses while `committing` is being written. */
function forbiddenWhileWritten(world: World): void {
  const change = world.store.change.bind(world.store);
  world.store.change = async (job, asked) => {
    const after = await change(job, asked);
    if (asked.event.type === 'commit') world.forbidden = 'paused by a person';
    return after;
  };
}

describe('an attempt that goes well', () => {
  it('is published once, recorded before and confirmed after', async () => {
    const world = await oneVideo();
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { status: 'success', attempts: 1, account: 'alice' } });
    expect(world.posts.map((job) => job.id)).toEqual(['beach']);
    expect(world.ledger.map((line) => line.kind)).toEqual(['append', 'confirm']);
    expect(await world.attempt()).toBeNull();
  });

  it('tells the publisher what it needs, and nothing of how jobs are stored', async () => {
    const world = await oneVideo();
    await world.attempt();
    const sha256 = world.posts[0]?.video.sha256 ?? '';
    expect(world.posts[0]).toEqual({
      id: 'beach',
      account: 'alice',
      app: 'demo',
      device: null,
      video: { path: '/videos/beach.mp4', sha256 },
      caption: 'Hello',
      post_key: `alice:${sha256}:0`,
      attempt: 1,
      max_attempts: 3,
    });
  });
});

describe('before the commit point', () => {
  it('machine trouble is tried again after a growing pause, exactly max_attempts times, and the account rests after the third', async () => {
    const world = await oneVideo();
    world.script = () => Promise.reject(new SchedulerError('DEVICE_OFFLINE', { details: { device: 'phone-1', text: 'gone' } }));
    const ends: (string | undefined)[] = [];
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      const ended = await world.attempt();
      ends.push(ended?.end);
      pauses.push((ended?.job.dueMs ?? 0) - world.clock.now());
      await world.clock.advance(3_600_000);
    }
    expect(ends).toEqual(['retrying', 'retrying', 'failed']);
    expect(pauses.slice(0, 2)).toEqual([15_000, 22_500]);
    expect(await world.job('beach')).toMatchObject({
      status: 'failed',
      attempts: 3,
      failure: { category: 'infrastructure', type: 'device_offline' },
    });
    expect(await world.store.account('alice')).toMatchObject({
      consecutiveFailures: 3,
      state: 'active',
      cooldownUntilMs: expect.any(Number),
    });
    expect(world.posts).toEqual([]);
  });

  it.each([
    ['captcha', { category: 'account', type: 'captcha' }],
    ['suspended', { category: 'account', type: 'suspended' }],
  ])('the account alone is stopped when the app shows %s; the job is never retried and its other jobs wait', async (type, blamed) => {
    const world = await oneVideo();
    await world.add(['forest'], 'alice');
    world.scripts.set('beach', () => Promise.reject(Object.assign(new Error('the app says no'), { category: 'account', type })));
    expect(await world.attempt()).toMatchObject({ end: 'failed', job: { failure: blamed } });
    expect(await world.store.account('alice')).toMatchObject({ state: 'hold' });
    expect(world.logger.messages()).toContainEqual(expect.stringContaining(`[ALARM] Account alice is on hold: ${type}`));
    expect(await world.attempt()).toBeNull();
    expect(await world.job('forest')).toMatchObject({ status: 'pending', attempts: 0 });
  });

  it('configuration trouble burns no attempt and blames no account', async () => {
    const world = await oneVideo();
    world.script = () => Promise.reject(new SchedulerError('VIDEO_MISSING', { details: { path: '/videos/beach.mp4', text: 'ENOENT' } }));
    expect(await world.attempt()).toMatchObject({ end: 'deferred', job: { status: 'pending', attempts: 0, deferrals: 1 } });
    expect(await world.store.account('alice')).toMatchObject({ state: 'active', consecutiveFailures: 0 });
  });

  it('a publisher that never settles is broken off at the limit of its phase', async () => {
    const world = await oneVideo();
    world.script = never;
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { failure: { phase: 'prepare', category: 'infrastructure' } } });
  });

  it('a publisher that goes from phase to phase for ever is broken off when the time of all phases together is over', async () => {
    const world = await oneVideo();
    world.script = async (ctx) => {
      for (let turn = 0; !ctx.signal.aborted; turn += 1) {
        ctx.phase(turn % 2 === 0 ? 'open' : 'compose');
        await world.clock.sleep(60_000, 'a publisher that goes round in circles');
      }
    };
    const before = world.clock.now();
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { failure: { type: 'attempt_timeout', scope: 'job' } } });
    const together = attemptLimitMs(DEFAULT_PHASE_LIMITS_MS);
    expect(world.clock.now() - before).toBeGreaterThanOrEqual(together);
    expect(world.clock.now() - before).toBeLessThanOrEqual(together + DEFAULT_PHASE_LIMITS_MS.cleanup);
  });

  it('a commit() that comes after the attempt was broken off throws, and nothing is posted', async () => {
    const world = await oneVideo();
    const late = Promise.withResolvers<unknown>();
    world.script = async (ctx, act) => {
      await world.clock.sleep(3_600_000, 'a publisher that does not listen');
      await ctx.commit().then(act, late.resolve);
    };
    expect(await world.attempt()).toMatchObject({ end: 'retrying' });
    await world.clock.advance(3_600_000);
    expect(await late.promise).toMatchObject({ code: 'COMMIT_TOO_LATE' });
    expect(world.posts).toEqual([]);
  });

  it('the scheduler that stops gives the attempt back', async () => {
    const world = await oneVideo();
    world.script = (ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));
    const attempt = world.worker().round(0, world.stop.signal);
    await world.clock.untilWaiting('limit of phase prepare');
    world.stop.abort();
    expect(await world.clock.run(attempt)).toMatchObject({ end: 'deferred', job: { status: 'pending', attempts: 0, account: null } });
  });

  it.each(['a plain text', undefined, 42, null])('%o thrown by a publisher is a failure like any other', async (thrown) => {
    const world = await oneVideo();
    world.script = () => Promise.reject(thrown);
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { failure: { category: 'unknown' } } });
  });

  it('a job runs exactly as often as its policy says', async () => {
    const world = await oneVideo();
    await world.retryBy(parseRetry(5));
    let runs = 0;
    world.script = () => {
      runs++;
      return Promise.reject(new Error('something new'));
    };
    while ((await world.attempt()) !== null) await world.clock.advance(2 * 3_600_000);
    expect(runs).toBe(5);
  });
});

describe('at the commit point', () => {
  it('a post that is forbidden by now is given back and leaves no record', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      world.forbidden = 'paused by a person';
      await ctx.commit();
      act();
    };
    expect(await world.attempt()).toMatchObject({ end: 'deferred', job: { attempts: 0 } });
    expect([world.posts, world.ledger]).toEqual([[], []]);
  });

  it('a record that cannot be written burns no attempt and charges no account', async () => {
    const world = await oneVideo();
    world.script = async () => {
      throw new SchedulerError('STORE_FAILED', { details: { text: 'posted.jsonl: EACCES' } });
    };
    expect(await world.attempt()).toMatchObject({ end: 'deferred', job: { attempts: 0, deferrals: 1 } });
    expect(await world.store.account('alice')).toMatchObject({ consecutiveFailures: 0 });
  });

  it('what forbids the act while `committing` is written proves that nothing was posted: tried again, the record taken back', async () => {
    const world = await oneVideo();
    forbiddenWhileWritten(world);
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { status: 'retrying' } });
    expect(world.ledger.map((line) => line.kind)).toEqual(['append', 'withdraw']);
    expect(world.posts).toEqual([]);
  });

  it('the hard end in the middle of commit() gives the attempt back', async () => {
    const world = await oneVideo();
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    world.store.checkCommit = () => {
      asked.resolve();
      return answered.promise;
    };
    world.script = (ctx, act) => ctx.commit().then(act);
    const attempt = world.worker().round(0, world.stop.signal);
    await asked.promise;
    world.stop.abort();
    world.hard.abort(new Error('now'));
    answered.resolve();
    expect(await world.clock.run(attempt)).toMatchObject({ end: 'deferred', job: { attempts: 0 } });
    expect([world.posts, world.ledger]).toEqual([[], []]);
  });

  it('an account that was put on hold meanwhile does not post', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await world.store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'person');
      await ctx.commit();
      act();
    };
    expect(await world.attempt()).toMatchObject({ end: 'deferred' });
    expect(world.posts).toEqual([]);
  });

  it('a worker whose job was taken over meanwhile posts nothing and writes nothing', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await world.newLife();
      await world.rescuer().rescue(true);
      await ctx.commit();
      act();
    };
    expect(await world.attempt()).toMatchObject({ end: 'lost' });
    expect(world.posts).toEqual([]);
    expect(await world.job('beach')).toMatchObject({ status: 'pending', crashes: 1, attempts: 0 });
  });

  it('a publisher that swallows what commit() throws, and returns, has not published: a human looks at the job', async () => {
    const world = await oneVideo();
    forbiddenWhileWritten(world);
    world.script = (ctx, act) => ctx.commit().then(act, () => undefined);
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain' } });
    expect(world.paused).toHaveLength(1);
  });

  it('a publisher that calls commit() twice posts once', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
      await ctx.commit();
      act();
    };
    expect(await world.attempt()).toMatchObject({ end: 'uncertain' });
    expect(world.posts).toHaveLength(1);
  });

  it('a publisher that returns without commit() is paused, and a human looks at the job', async () => {
    const world = await oneVideo();
    world.script = async (_ctx, act) => act();
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain' } });
    expect(world.ledger).toMatchObject([{ kind: 'append', record: { job: 'beach' } }]);
    expect(world.paused).toHaveLength(1);
    expect(world.logger.messages()).toContainEqual(
      expect.stringMatching(/^\[ALARM\] Nothing more is published: .*without a commit\(\) that resolved/),
    );
    expect(await world.store.events({ types: ['publisher_paused'] })).toMatchObject([{ job: 'beach' }]);
    await world.add(['forest']);
    expect(await world.clock.run(world.crew(1).sweep(1))).toEqual([]);
  });
});

describe('after the commit point', () => {
  it.each<[string, unknown]>([
    ['a lost answer', new Error('socket hang up')],
    ['a captcha', Object.assign(new Error('captcha'), { category: 'account', type: 'captcha' })],
    ['a text', 'no'],
  ])('%s makes the job uncertain: nothing is tried again and the account waits', async (_what, error) => {
    const world = await oneVideo();
    await world.add(['forest'], 'alice');
    world.scripts.set('beach', async (ctx, act) => {
      await ctx.commit();
      act();
      throw error;
    });
    const failure = { uncertain: true, phase: 'commit' };
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain', failure } });
    await world.clock.advance(7 * 24 * 3_600_000);
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toHaveLength(1);
  });

  it('proof that the act never happened lets the job be tried again, and takes the record back', async () => {
    const world = await oneVideo();
    world.script = async (ctx) => {
      await ctx.commit();
      throw Object.assign(new Error('instrumentation process is not running'), { proofOfAbsence: true });
    };
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { status: 'retrying', attempts: 1 } });
    expect(world.ledger.map((line) => line.kind)).toEqual(['append', 'withdraw']);
    world.script = post;
    await world.clock.advance(3_600_000);
    expect(await world.attempt()).toMatchObject({ end: 'published' });
    expect(world.posts).toHaveLength(1);
  });

  it('no proof counts while the app says that an upload may be under way', async () => {
    const world = await oneVideo();
    world.script = async (ctx) => {
      await ctx.commit();
      const cause = new Error('Keep Instagram open to finish posting');
      throw Object.assign(new Error('instrumentation process is not running', { cause }), { proofOfAbsence: true });
    };
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain' } });
  });

  it('an outcome that a full disk refuses for a moment is written as soon as it can be', async () => {
    const world = await oneVideo();
    const change = world.store.change.bind(world.store);
    let refusals = 3;
    world.store.change = async (job, asked) => {
      if (asked.event.type === 'confirm' && refusals-- > 0) throw new SchedulerError('STORE_FAILED', { details: { text: 'SQLITE_FULL' } });
      return change(job, asked);
    };
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { status: 'success' } });
  });

  it('a confirmation that does not come within its limit leaves the job uncertain', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
      ctx.phase('confirm');
      await never();
    };
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { failure: { phase: 'confirm' } } });
  });

  it('a confirmation that comes while the publisher lets go still counts', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
      ctx.phase('confirm');
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
    };
    expect(await world.attempt()).toMatchObject({ end: 'published' });
  });

  it('a stop waits for the confirmation; the hard end does not', async () => {
    const world = await oneVideo();
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
      ctx.phase('confirm');
      await never();
    };
    const attempt = world.worker().round(0, world.stop.signal);
    await world.clock.untilWaiting('limit of phase confirm');
    world.stop.abort();
    await world.clock.advance(60_000);
    expect(await world.job('beach')).toMatchObject({ status: 'committing' });
    world.hard.abort(new Error('now'));
    expect(await world.clock.run(attempt)).toMatchObject({ end: 'uncertain' });
  });
});
