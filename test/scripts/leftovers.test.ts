/** Guards the rehearsal's proof of promise 6 (stops what it started): a process that is left is found, however it hides. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isListening, ProcessWatch } from '../../scripts/demo/leftovers.ts';

const STAY = 'process.stdin.resume(); process.stdout.write("up")';

/** A process that has left our tree: its parent ends at once. Answers its pid. */
async function orphan(env: NodeJS.ProcessEnv): Promise<number> {
  const parent = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { detached: true, stdio: 'ignore' });
    c.unref(); process.stdout.write(String(c.pid));`;
  const child = spawn(process.execPath, ['-e', parent], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes) => {
    text += bytes;
  });
  await once(child, 'close');
  return Number(text);
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe.runIf(process.platform === 'linux')('ProcessWatch', () => {
  it('finds a child that is left, and not one that has ended or is excepted', async () => {
    const watch = new ProcessWatch('LEFTOVERS_TEST=nobody');
    const child = spawn(process.execPath, ['-e', STAY], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(await watch.left(0, [])).toEqual([expect.stringContaining(`PID ${child.pid}:`)]);
    expect(await watch.left(0, [child.pid ?? 0])).toEqual([]);
    await end(child);
    expect(await watch.left(5_000, [])).toEqual([]);
  });

  it('finds one that left our tree, by the mark in its environment', async () => {
    const mark = `left-${process.pid}`;
    const watch = new ProcessWatch(`LEFTOVERS_TEST=${mark}`);
    const pid = await orphan({ ...process.env, LEFTOVERS_TEST: mark });
    try {
      expect(await watch.left(0, [])).toEqual([expect.stringContaining(`PID ${pid}:`)]);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    expect(await watch.left(5_000, [])).toEqual([]);
  });
});

it('isListening tells an open port from a closed one', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(await isListening(port)).toBe(true);
  server.close();
  await once(server, 'close');
  expect(await isListening(port)).toBe(false);
});
