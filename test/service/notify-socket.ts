/** A faithful stand-in for systemd's end of sd_notify(3): a Unix datagram socket, in Python because Node has none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Message {
  readonly lines: readonly string[];
  /** When it came, monotonic milliseconds. */
  readonly atMs: number;
}

export interface NotifySocket {
  readonly path: string;
  readonly messages: readonly Message[];
  /** The message with this number (from 0) that has a line that starts like this; waits for it. */
  message(start: string, number?: number): Promise<Message>;
  close(): Promise<void>;
}

export async function openNotifySocket(folder: string): Promise<NotifySocket> {
  const path = join(folder, 'notify.sock');
  const child: ChildProcess = spawn('python3', [join(import.meta.dirname, 'notify-receiver.py'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const messages: Message[] = [];
  const watchers = new Set<() => void>();
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  await once(lines, 'line');
  lines.on('line', (line) => {
    messages.push({ ...(JSON.parse(line) as { readonly lines: readonly string[] }), atMs: performance.now() });
    for (const watcher of watchers) watcher();
    watchers.clear();
  });
  return {
    path,
    messages,
    message: async (start, number = 0) => {
      for (;;) {
        const found = messages.filter((message) => message.lines.some((line) => line.startsWith(start)))[number];
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => watchers.add(resolve));
      }
    },
    close: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
