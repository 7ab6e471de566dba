/**
 * Guards promise 3, alive or replaced: one instance acts at a time in a home; a
 * dead holder is replaced at once, a hung one after its silence, a woken one
 * does nothing. The publisher's own file of posts is the judge.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

describe('a second start in a home', () => {
  it('ends with code 3, names the holder, and changes nothing', async () => {
    const folder = world.videos('chunk', ['one', 'two']);
    const daemon = await world.daemon('--add-accounts', 'alice');
    const before = readFileSync(world.path('scheduler.lock'), 'utf8');

    const second = await world.cli('--add-folder', folder, '--add-accounts', 'bob', '--run');

    expect(second).toMatchObject({ code: 3, stdout: '' });
    expect(second.stderr).toMatch(/^\[LOCK ERROR\] Another scheduler instance is already running!\n/);
    expect(second.stderr).toContain(`PID ${daemon.pid}`);
    expect(world.log().filter(({ msg }) => msg === '[LOCK ERROR] Another scheduler instance is already running!')).toHaveLength(1);
    expect(readFileSync(world.path('scheduler.lock'), 'utf8')).toBe(before);
    const status = await world.status();
    expect(status).toMatchObject({ running: true, lock: { state: 'held', pid: daemon.pid, epoch: 1 }, jobs: { total: 0 } });
    expect(status.accounts.map(({ name }) => name)).toEqual(['alice']);

    const asked = await world.cli('--run', '--json');
    expect(asked.code).toBe(3);
    expect(JSON.parse(asked.stdout)).toMatchObject({ error: 'orchestrator_conflict' });

    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
  });
});

describe('a start in another home on the same database', () => {
  it.each(['scheduler_state.db', 'queue.db'])(
    'is refused by name and changes nothing, though %s is named by another path',
    async (name) => {
      stage.hold('committed');
      symlinkSync(world.home, join(world.folder, 'link'));
      world.configure(stage.url, [`store: ${name}`]);
      const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
      await stage.visit('committed');
      const other = join(world.folder, 'other');
      mkdirSync(other);
      writeFileSync(join(other, 'scheduler.yaml'), `store: ${join(world.folder, 'link', name)}\n`);
      for (const order of [['--run'], ['--settle', 'one-4a1c91a9', 'absent']]) {
        const refused = await world.finish(world.spawn(['--home', other, ...order]));
        expect(refused).toMatchObject({ code: 3, stdout: '' });
        expect(refused.stderr).toContain(`a scheduler in another home acts on ${join(world.folder, 'link', name)}`);
      }
      stage.open('committed');
      await world.logged('posted successfully');
      daemon.signal('SIGTERM');
      expect((await daemon.ended).code).toBe(0);
      expect(world.jobs()).toMatchObject([{ status: 'success', attempts: 1 }]);
    },
  );
});

describe('a frozen holder', () => {
  it('keeps the home while its heartbeat is young', async () => {
    const daemon = await world.daemon('--add-accounts', 'alice');
    daemon.signal('SIGSTOP');
    expect((await world.cli('--run')).code).toBe(3);
    daemon.signal('SIGCONT');
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
  });

  it.each(['before', 'committed'] as const)(
    '%s the act is ended by the next start after its silence; nothing goes out twice',
    async (gate) => {
      stage.hold(gate);
      const folder = world.videos('chunk', ['one']);
      const frozen = await world.daemon('--add-folder', folder, '--add-accounts', 'alice');
      await stage.visit(gate);
      frozen.signal('SIGSTOP');
      world.growOld();

      const next = await world.daemon();
      // Woken or not: the answers it waited for come now.
      stage.open(gate);
      expect((await frozen.ended).signal).toBe('SIGKILL');
      await world.logged('[LOCK] Lock heartbeat stale');
      await world.logged(`[LOCK] Ended the hung holder (PID ${frozen.pid})`);
      if (gate === 'before') await stage.visit('acted');
      expect(await world.cli('--stop')).toMatchObject({ code: 0 });
      expect((await next.ended).code).toBe(0);

      expect(world.posts().map(({ pid }) => pid)).toEqual(gate === 'before' ? [next.pid] : []);
      expect(world.jobs()).toMatchObject([{ status: gate === 'before' ? 'success' : 'uncertain' }]);
    },
  );
});

describe('a holder that was frozen with the tap in hand, and that nobody can see', () => {
  /** Its successor sees it as on another host, with a file system between on which locks prove nothing. */
  async function replaced() {
    stage.hold('committed');
    const frozen = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
    await stage.visit('committed');
    frozen.signal('SIGSTOP');
    world.growOld();
    writeFileSync(world.path('scheduler.lock'), JSON.stringify({ ...world.lock(), hostname: 'rack-2', boot_id: 'another' }));
    rmSync(world.path('scheduler.guard.db'));
    const next = await world.daemon();
    const { uncertain } = await world.status();
    return { frozen, next, job: uncertain[0]?.job ?? '' };
  }

  it('may still post: no person can call it absent, with a daemon or without', async () => {
    const { frozen, next, job } = await replaced();
    const refused = await world.cli('--settle', job, 'absent');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`PID ${frozen.pid} on rack-2 may still post ${job}`);
    expect(refused.stderr).toContain(`--holder-gone ${frozen.pid}@rack-2 --settle ${job} absent`);
    next.signal('SIGTERM');
    expect((await next.ended).code).toBe(0);
    expect(await world.cli('--settle', job, 'absent')).toMatchObject({ code: 1, stderr: refused.stderr });
    expect(world.jobs()).toMatchObject([{ status: 'uncertain' }]);

    stage.open('committed');
    frozen.signal('SIGCONT');
    await frozen.ended;
    expect(world.posts()).toMatchObject([{ pid: frozen.pid }]);
    expect(await world.cli('--settle', job, 'published')).toMatchObject({ code: 0 });
  });

  it('does not, once it was ended: who vouches for that can settle, and it is posted once', async () => {
    const { frozen, next, job } = await replaced();
    await frozen.kill();
    stage.open('committed');
    const settled = await world.cli('--holder-gone', `${frozen.pid}@rack-2`, '--settle', job, 'absent');
    expect(settled).toMatchObject({ code: 0, stderr: '' });
    await stage.visit('acted');
    expect(await world.cli('--stop')).toMatchObject({ code: 0 });
    expect((await next.ended).code).toBe(0);
    expect(world.posts()).toMatchObject([{ pid: next.pid }]);
  });
});

describe('what an earlier life left', () => {
  it('a lock of the seeds with a dead PID of 2024 is taken over', async () => {
    const stale = '{"pid": 99999, "started": "2024-01-01T00:00:00", "last_heartbeat": "2024-01-01T00:00:00"}';
    writeFileSync(world.path('scheduler.lock'), stale);
    expect(await world.status()).toMatchObject({ running: false, lock: { state: 'stale', pid: 99_999 } });

    const daemon = await world.daemon('--add-accounts', 'alice');
    await world.logged('Lock heartbeat stale');
    expect(world.lock()).toMatchObject({ pid: daemon.pid, epoch: 1 });
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(world.has('scheduler.lock')).toBe(false);
  });

  it.each(['', 'no JSON at all', '{"pid": "4711"}', '[1, 2'])('the unreadable lock file %j is in nobody’s way', async (text) => {
    writeFileSync(world.path('scheduler.lock'), text);
    mkdirSync(world.path('.scheduler.lock.d'));
    const daemon = await world.daemon('--add-accounts', 'alice');
    expect(world.lock()).toMatchObject({ pid: daemon.pid });
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(existsSync(world.path('.scheduler.lock.d'))).toBe(false);
  });
});
