/**
 * Guards promises 1 and 3 against a publisher that blocks its whole process, so
 * that no lease is renewed, no heartbeat written and no signal heard: nothing
 * goes out twice, and what may have gone out comes before a human. The take-over
 * limit is over at once here; the lease's own end, in virtual time, is in
 * test/scheduler/contract-breakers.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Gate, openStage, type Stage } from './stage.ts';
import { type Daemon, newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
let blocking: string;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
  blocking = join(world.folder, 'blocking');
});

/** A daemon whose publisher blocks it at the gate, as if it had done so for three minutes. */
async function blockedAt(gate: Gate): Promise<Daemon> {
  stage.hold(gate);
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  (await stage.visit(gate)).block(blocking);
  await vi.waitUntil(() => existsSync(blocking), { interval: 10 });
  stage.open(gate);
  return daemon;
}

async function stop(daemon: Daemon): Promise<void> {
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
}

async function expectBeforeAHuman(): Promise<void> {
  const { jobs, uncertain } = await world.status();
  expect(jobs).toMatchObject({ total: 1, uncertain: 1 });
  const job = uncertain[0]?.job ?? '';
  expect((await world.cli('--retry', job)).stderr).toContain(`${job} may be public already, so a retry could publish it twice`);
}

describe('a publisher that blocks the event loop for longer than the take-over limit', () => {
  it.each(['before', 'committed'] as const)('%s: its process is ended by the next start', async (gate) => {
    const blocked = await blockedAt(gate);
    world.growOld();
    const next = await world.daemon();
    expect((await blocked.ended).signal).toBe('SIGKILL');
    await world.logged(`[LOCK] Ended the hung holder (PID ${blocked.pid})`);
    if (gate === 'before') await world.logged('posted successfully');
    else await expectBeforeAHuman();
    await stop(next);
    expect(world.posts().map(({ pid }) => pid)).toEqual(gate === 'before' ? [next.pid] : []);
  });

  it.each([
    ['before', 'CLAIM_LOST'],
    ['committed', null],
  ] as const)(
    '%s, and goes on beside its successor, that could not prove who it was: it does nothing that it may not',
    async (gate, code) => {
      const blocked = await blockedAt(gate);
      world.growOld({ start_ticks: undefined });
      for (const end of ['', '-journal', '-wal', '-shm']) rmSync(world.path(`scheduler.guard.db${end}`), { force: true });
      const next = await world.daemon();
      if (gate === 'before') await world.logged('posted successfully');
      rmSync(blocking);
      if (gate === 'before') expect(await stage.visit('refused')).toMatchObject({ pid: blocked.pid, code });
      else await stage.visit('acted');
      expect((await blocked.ended).signal).toBeNull();
      if (gate === 'committed') await expectBeforeAHuman();
      await stop(next);
      expect(world.posts().map(({ pid }) => pid)).toEqual([gate === 'before' ? next.pid : blocked.pid]);
    },
  );
});
