/** The machine's service manager, as far as we use it: the seam behind which systemd is asked. Tests give their own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../runtime/environment.ts';

/** `system` starts with the machine and needs root; `user` starts with the person's session. */
export type Scope = 'system' | 'user';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServiceHost {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  readonly environment: Environment;
  unitFile(scope: Scope): string;
  /** A service manager of this kind runs here. */
  isRunning(scope: Scope): boolean;
  systemctl(scope: Scope, ...args: readonly string[]): Promise<Answer>;
  /** Name and home folder of a user of this machine; null = there is none. */
  user(uid: number): Promise<{ readonly name: string; readonly home: string; readonly gid: number } | null>;
}

export const UNIT = 'posting-scheduler.service';
const ASK_LIMIT_MS = 200_000;

export function thisHost(environment: Environment): ServiceHost {
  const configHome = environment.XDG_CONFIG_HOME || join(environment.HOME ?? '/', '.config');
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? -1,
    environment,
    unitFile: (scope) => join(scope === 'system' ? '/etc/systemd/system' : join(configHome, 'systemd/user'), UNIT),
    // sd_booted(3); a user's manager has a folder of its own in the runtime folder.
    isRunning: (scope) =>
      existsSync(scope === 'system' ? '/run/systemd/system' : join(environment.XDG_RUNTIME_DIR ?? '/nonexistent', 'systemd')),
    systemctl: (scope, ...args) => ask('systemctl', [...(scope === 'user' ? ['--user'] : []), '--no-pager', ...args], environment),
    user: async (uid) => {
      const { code, stdout } = await ask('getent', ['passwd', String(uid)], environment);
      const [name, , , gid, , home] = stdout.trim().split(':');
      return code === 0 && name !== undefined && home !== undefined ? { name, home, gid: Number(gid) } : null;
    },
  };
}

function ask(program: string, args: readonly string[], environment: Environment): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, [...args], { env: { ...environment, LC_ALL: 'C' }, timeout: ASK_LIMIT_MS }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, stderr: stderr === '' && error !== null && code === 127 ? error.message : stderr });
    });
  });
}
