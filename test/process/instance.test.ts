/**
 * Guards promise 3, alive or replaced: one instance acts at a time in a home; a
 * dead holder is replaced at once, a hung one after its silence, a woken one
 * does nothing. The publisher's own file of posts is the judge.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

function lockFile(): Record<string, unknown> {
  return JSON.parse(readFileSync(world.path('scheduler.lock'), 'utf8')) as Record<string, unknown>;
}

/** As if the holder had not shown life for three minutes. */
function growOld(): void {
  const content = { ...lockFile(), last_heartbeat: new Date(Date.now() - 180_000).toISOString() };
  writeFileSync(world.path('scheduler.lock'), JSON.stringify(content));
}

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
      growOld();

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

describe('what an earlier life left', () => {
  it('a lock of the seeds with a dead PID of 2024 is taken over', async () => {
    const stale = '{"pid": 99999, "started": "2024-01-01T00:00:00", "last_heartbeat": "2024-01-01T00:00:00"}';
    writeFileSync(world.path('scheduler.lock'), stale);
    expect(await world.status()).toMatchObject({ running: false, lock: { state: 'stale', pid: 99_999 } });

    const daemon = await world.daemon('--add-accounts', 'alice');
    await world.logged('Lock heartbeat stale');
    expect(lockFile()).toMatchObject({ pid: daemon.pid, epoch: 1 });
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(world.has('scheduler.lock')).toBe(false);
  });

  it.each(['', 'no JSON at all', '{"pid": "4711"}', '[1, 2'])('the unreadable lock file %j is in nobody’s way', async (text) => {
    writeFileSync(world.path('scheduler.lock'), text);
    mkdirSync(world.path('.scheduler.lock.d'));
    const daemon = await world.daemon('--add-accounts', 'alice');
    expect(lockFile()).toMatchObject({ pid: daemon.pid });
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(existsSync(world.path('.scheduler.lock.d'))).toBe(false);
  });
});
