/** What the tests of sessions share: a phone nobody asks, a silent log, a factory. */
import { WdioUiFactory } from '../../src/appium/wdio-ui.ts';
import type { ConnectedDevice } from '../../src/devices/device.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';

export const never = new AbortController().signal;

export const phone: ConnectedDevice = {
  id: 'phone-1',
  serial: '127.0.0.1:5555',
  adbPort: 5037,
  ping: async () => undefined,
  identity: async () => null,
  pushVideo: async () => '',
  appVersion: async () => null,
  removeVideo: async () => undefined,
};

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** A log that keeps its messages, and tells of each. */
export interface RecordingLog {
  readonly logger: Logger;
  readonly messages: string[];
  onMessage(told: (message: string) => void): void;
}

export function recordingLog(): RecordingLog {
  const messages: string[] = [];
  let tell: (message: string) => void = () => undefined;
  const keep = (fields: object | string, message?: string) => {
    const text = typeof fields === 'string' ? fields : (message ?? '');
    messages.push(text);
    tell(text);
  };
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
  return {
    logger,
    messages,
    onMessage: (told) => {
      tell = told;
    },
  };
}

export function factoryFor(url: string, clientLimitMs?: number): WdioUiFactory {
  const options = { server: { url }, clock: new SystemClock(), logger: silent };
  return new WdioUiFactory(clientLimitMs === undefined ? options : { ...options, clientLimitMs });
}

/** The error that `work` ends with; fails when it ends without one. */
export async function errorOf(work: Promise<unknown>): Promise<unknown> {
  const ok = Symbol('no error');
  const result = await work.then(
    () => ok,
    (error: unknown) => error,
  );
  if (result === ok) throw new Error('it should have failed');
  return result;
}
