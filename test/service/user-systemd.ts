/**
 * A real `systemd --user` in namespaces of its own: its own processes, its own
 * /run, its own cgroup tree. Needs the right to make them; where it has not, or
 * where systemd is missing, it says why it is not there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface UserSystemd {
  /** Runs a command where the manager lives. */
  run(program: string, ...args: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string };
  close(): Promise<void>;
}

const SCRIPT = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
umount -R /sys/fs/cgroup
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
mount -t cgroup -o none,name=systemd systemd /sys/fs/cgroup/systemd
mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
systemd --user &
for _ in $(seq 100); do
  if state=$(systemctl --user is-system-running 2>/dev/null) || [ "$state" = degraded ]; then echo up; break; fi
  sleep 0.1
done
wait
`;

/** Answers the manager, or in words why there can be none. @param env of the manager and all that it starts */
export async function startUserSystemd(env: NodeJS.ProcessEnv): Promise<UserSystemd | string> {
  if (spawnSync('systemd', ['--version']).status !== 0) return 'systemd is not installed';
  const around = { ...env, XDG_RUNTIME_DIR: '/run/user/test' };
  const flags = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--cgroup', '--uts', '--ipc'];
  const groups = ownGroups();
  const enter = `for group in ${groups.join(' ')}; do mkdir "$group"; echo $$ > "$group/cgroup.procs"; done; exec "$@"`;
  const command = ['-c', enter, 'bash', 'unshare', ...flags, 'bash', '-c', SCRIPT];
  const child = spawn('bash', command, { env: around, stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const up = await Promise.race([once(lines, 'line').then(() => true), once(child, 'close').then(() => false)]);
  if (!up) {
    for (const group of groups) removeGroup(group);
    return 'no systemd --user can be started in namespaces here';
  }
  const [pid = ''] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
  return {
    run: (program, ...args) => {
      const { status, stdout, stderr } = spawnSync('nsenter', ['-t', pid, '-m', '-p', '-C', '-u', '-i', '--', program, ...args], {
        env: around,
        encoding: 'utf8',
      });
      return { code: status, stdout, stderr };
    },
    close: async () => {
      // The first process of a namespace takes all others with it, and is the last to be gone.
      process.kill(Number(pid), 'SIGKILL');
      await once(child, 'close');
      for (const group of groups) removeGroup(group);
    },
  };
}

/** One in each tree of this kernel's, so that what the manager makes below it can be removed with it. */
function ownGroups(): readonly string[] {
  const trees = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];
  made += 1;
  return trees.filter((tree) => existsSync(`${tree}/cgroup.procs`)).map((tree) => `${tree}/user-systemd-${process.pid}-${made}`);
}
let made = 0;

function removeGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removeGroup(join(group, entry.name));
  rmdirSync(group);
}
