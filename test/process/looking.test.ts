/**
 * Guards promise 7: beside a running daemon people see what happened, follow
 * it, and take it with them as a file.
 */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
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

it('shows events and writes the CSV while the daemon runs; --stop-all ends it', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice', '--add-folder', world.videos('chunk', ['one']));
  await world.logged('posted successfully');
  const events = await world.cli('--events', '--json');
  expect(events).toMatchObject({ code: 0, stderr: '' });
  const lines = events.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly event_type: string; readonly job: string | null; readonly epoch: number });
  const ofJob = lines.filter(({ job }) => job !== null);
  expect(ofJob.map(({ event_type }) => event_type)).toEqual(['claimed', 'action_started', 'committing', 'published', 'action_completed']);
  const id = ofJob[0]?.job ?? '';
  expect((await world.cli('--events', '--job', id)).stdout.trim().split('\n')).toHaveLength(5);

  const file = world.path('out.csv');
  expect(await world.cli('--export', file)).toMatchObject({ code: 0, stdout: `Wrote ${file}.\n` });
  expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`\\n${id},alice,.*,caption of one,success,1,`));

  expect(await world.cli('--force-kill-ports')).toMatchObject({ code: 0 });
  expect(await world.cli('--stop-all')).toMatchObject({ code: 0, stdout: 'Stopping.\nStopped.\n' });
  expect((await daemon.ended).code).toBe(0);
  // And again, where nothing runs: no error.
  expect(await world.cli('--stop-all')).toMatchObject({ code: 0 });
});

it('follows events until its reader leaves', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  const follower = world.spawn(['--home', world.home, '--events', '--follow', '--json']);
  const ended = world.finish(follower);
  const heard = new Promise<void>((resolve) => {
    follower.stdout?.on('data', (bytes: Buffer) => {
      if (bytes.includes('action_completed')) resolve();
    });
  });
  await world.cli('--add-folder', world.videos('chunk', ['one']));
  await heard;
  follower.kill('SIGINT');
  expect((await ended).stderr).toBe('');
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});
