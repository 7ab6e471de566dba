/**
 * The service manager above this process, if there is one: it is told when the
 * scheduler is ready, what it does, that it lives and that it stops. systemd's
 * protocol (sd_notify(3)), spoken by its own `systemd-notify`: Node has no Unix
 * datagram sockets. What is said, and when, is service-reporter.ts.
 */
import { execFile } from 'node:child_process';
import type { Environment } from './environment.ts';

export interface Supervisor {
  /** It ends and restarts us when it is not fed for so long, milliseconds; null = it does not watch. */
  readonly watchdogMs: number | null;
  /** `READY=1`, `STATUS=…`, `WATCHDOG=1`, `STOPPING=1`; all in one message. Resolves false when it could not be told. Never throws. */
  notify(...lines: readonly string[]): Promise<boolean>;
}

/** A busy machine may need long to start a process; a message later than this is worth nothing. */
const NOTIFY_LIMIT_MS = 10_000;

/** null = nobody above us wants to know. @param pid our own, for the watchdog is meant for one process only */
export function serviceManager(environment: Environment, pid: number, program = 'systemd-notify'): Supervisor | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, PATH } = environment;
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return null;
  const meant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
  const everyMs = Number(WATCHDOG_USEC) / 1_000;
  return {
    watchdogMs: meant && everyMs > 0 ? everyMs : null,
    // Without --no-block it waits until the manager has read everything.
    notify: (...lines) =>
      new Promise((resolve) => {
        const said = lines.map((line) => line.replace(/[\r\n]+/g, ' '));
        const options = { env: { NOTIFY_SOCKET, ...(PATH === undefined ? {} : { PATH }) }, timeout: NOTIFY_LIMIT_MS };
        execFile(program, ['--no-block', ...said], options, (error) => resolve(error === null));
      }),
  };
}

/** What is meant for this process alone must not reach its children: with it, anyone of them could speak for us. */
export function withoutServiceManager(environment: Environment): Environment {
  const { NOTIFY_SOCKET: _socket, WATCHDOG_USEC: _every, WATCHDOG_PID: _pid, ...rest } = environment;
  return rest;
}
