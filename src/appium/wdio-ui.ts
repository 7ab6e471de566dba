/**
 * Sessions on phones through WebdriverIO, as raw commands only.
 *
 * One method is one request: the client's own retries are off (by default it
 * sent one tap four times and made four posts), and webdriverio's `$()`, which
 * finds anew and taps again, is not used. What to look for and what a screen
 * means is the flow's; who may use a phone is the scheduler's.
 */
import type { ConnectedDevice } from '../devices/device.ts';
import { SchedulerError } from '../errors.ts';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { AppiumServer, Selector, Ui, UiElement, UiFactory } from './appium.ts';
import { DriverPorts } from './driver-ports.ts';
import { observing } from './observing.ts';
import { foreignError } from './sent.ts';
import { sessionError, uiError } from './ui-errors.ts';

type Client = Awaited<ReturnType<typeof import('webdriverio')['remote']>>;

/** Three limits in this order, or a client gives up while Appium still waits and every later command queues behind it. */
const ADB_LIMIT_MS = 30_000;
const PHONE_LIMIT_MS = 60_000;
const CLIENT_LIMIT_MS = 120_000;
/** Ends the session of a scheduler that died; longer than the longest pause of an attempt, which is a push. */
const IDLE_LIMIT_S = 240;
const POLL_MS = 250;
/** A look that is still unanswered so long after its limit is a phone that hangs, not an element that is missing. */
const HANG_MS = 10_000;
const ELEMENT_KEY = 'element-6066-11e4-a52e-4f735466cecf';

export interface WdioUiFactoryOptions {
  /** Asked for its address at each session: the port may change at a restart. */
  readonly server: Pick<AppiumServer, 'url'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Waits for the client, milliseconds; tests shorten it. */
  readonly clientLimitMs?: number;
  /** Told of the local port by which a phone is reached, before it is used. */
  readonly onPort?: (serial: string, port: number) => Promise<void>;
}

export class WdioUiFactory implements UiFactory {
  readonly #options: WdioUiFactoryOptions;
  /**
   * Requests by serial that outlived their caller: a session that is still being made, or unmade. They end whatever
   * session the phone has then, so the next one waits for them.
   */
  readonly #leaving = new Map<string, Promise<unknown>>();

  readonly #ports: DriverPorts;

  constructor(options: WdioUiFactoryOptions) {
    this.#options = options;
    this.#ports = new DriverPorts(options.onPort);
  }

  async open(device: ConnectedDevice, signal: AbortSignal): Promise<Ui> {
    signal.throwIfAborted();
    await observing(signal, this.#leaving.get(device.serial) ?? Promise.resolve());
    const { url } = this.#options.server;
    const { shareConnections } = await import('./dispatcher.ts');
    const { remote } = await import('webdriverio');
    shareConnections(url);
    const systemPort = await this.#ports.of(device.serial);
    signal.throwIfAborted();
    const creating = remote({
      ...clientOptions(url, this.#options.clientLimitMs),
      capabilities: this.#capabilities(device, systemPort) as never,
    });
    try {
      const client = await observing(signal, creating);
      const leave = (leaving: Promise<unknown>) => this.#leave(device.serial, leaving);
      return new WdioUi({ client, url, leave, clock: this.#options.clock, logger: this.#options.logger });
    } catch (error) {
      if (!signal.aborted) throw sessionError(error, device.id, url);
      this.#leave(
        device.serial,
        creating.then((client) => client.deleteSession()),
      );
      throw signal.reason;
    }
  }

  /** Waits until sessions that outlived their caller are gone, up to the limit: an Appium that is not ours would keep them. Never throws. */
  async allLeft(limitMs: number): Promise<void> {
    const { clock, logger } = this.#options;
    const limit = { ms: limitMs, reason: 'sessions that are given up' };
    await withLimit(clock, limit, () => Promise.all(this.#leaving.values())).catch((err: unknown) =>
      logger.warn({ err }, 'A session that was given up is still there'),
    );
  }

  #capabilities(device: ConnectedDevice, systemPort: number): Record<string, unknown> {
    return {
      platformName: 'Android',
      'wdio:enforceWebDriverClassic': true,
      'appium:automationName': 'UiAutomator2',
      'appium:udid': device.serial,
      'appium:adbPort': device.adbPort,
      // A restarted adb server forgets every network phone of every worker.
      'appium:suppressKillServer': true,
      'appium:skipLogcatCapture': true,
      'appium:noReset': true,
      // Phones keep their real place, and a phone that refuses the setting can still post.
      'appium:mockLocationApp': null,
      'appium:ignoreHiddenApiPolicyError': true,
      'appium:newCommandTimeout': IDLE_LIMIT_S,
      'appium:adbExecTimeout': ADB_LIMIT_MS,
      'appium:uiautomator2ServerReadTimeout': PHONE_LIMIT_MS,
      // The only port of a session on this host: the driver forwards another for its MJPEG stream only when it is asked to.
      'appium:systemPort': systemPort,
    };
  }

  #leave(serial: string, leaving: Promise<unknown>): void {
    const settled: Promise<unknown> = Promise.allSettled([this.#leaving.get(serial), leaving]).then(() => {
      if (this.#leaving.get(serial) === settled) this.#leaving.delete(serial);
    });
    this.#leaving.set(serial, settled);
  }
}

interface WdioUiOptions {
  readonly client: Client;
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of a request that goes on after `close` returned. */
  readonly leave: (leaving: Promise<unknown>) => void;
}

class WdioUi implements Ui {
  readonly sessionId: string;
  readonly #client: Client;
  readonly #options: WdioUiOptions;

  constructor(options: WdioUiOptions) {
    this.#options = options;
    this.#client = options.client;
    this.sessionId = options.client.sessionId;
  }

  async find(selectors: readonly Selector[], limitMs: number, signal: AbortSignal): Promise<UiElement> {
    const { clock } = this.#options;
    const limit = { ms: limitMs + HANG_MS, reason: 'element', signal };
    try {
      return await withLimit(clock, limit, (inner) => this.#poll(selectors, limitMs, inner));
    } catch (error) {
      if (!(error instanceof LimitExceeded)) throw error;
      const text = `the phone did not answer within ${error.limitMs} ms`;
      throw new SchedulerError('UI_FAILED', { cause: error, details: { sent: 'maybe', text, endpoint: 'POST elements' } });
    }
  }

  async #poll(selectors: readonly Selector[], limitMs: number, signal: AbortSignal): Promise<UiElement> {
    const { clock } = this.#options;
    const until = clock.monotonic() + limitMs;
    for (;;) {
      const found = await this.peek(selectors, signal);
      if (found !== null) return found;
      const left = until - clock.monotonic();
      if (left <= 0) throw new SchedulerError('ELEMENT_NOT_FOUND', { details: { selectors: JSON.stringify(selectors), limitMs } });
      if (!(await clock.sleep(Math.min(POLL_MS, left), 'element', signal))) throw signal.reason;
    }
  }

  async peek(selectors: readonly Selector[], signal: AbortSignal): Promise<UiElement | null> {
    for (const selector of selectors) {
      const { using, value } = strategyOf(selector);
      const found = await this.#ask('POST elements', signal, (client) => client.findElements(using, value));
      const id: unknown = found[0]?.[ELEMENT_KEY];
      if (typeof id === 'string') return { id };
    }
    return null;
  }

  async tap(element: UiElement, signal: AbortSignal): Promise<void> {
    await this.#ask('POST element/click', signal, (client) => client.elementClick(element.id));
  }

  async type(element: UiElement, text: string, signal: AbortSignal): Promise<void> {
    // Sets the whole text at once: key presses would lose emoji, and appending to a hint would keep the hint.
    const order = { elementId: element.id, text };
    await this.#ask('POST element/value', signal, (client) => client.executeScript('mobile: replaceElementValue', [order]));
  }

  async text(element: UiElement, signal: AbortSignal): Promise<string> {
    return this.#ask('GET element/text', signal, (client) => client.getElementText(element.id));
  }

  async source(signal: AbortSignal): Promise<string> {
    return this.#ask('GET source', signal, (client) => client.getPageSource());
  }

  async screenshot(signal: AbortSignal): Promise<Uint8Array> {
    const base64 = await this.#ask('GET screenshot', signal, (client) => client.takeScreenshot());
    return new Uint8Array(Buffer.from(base64, 'base64'));
  }

  async back(signal: AbortSignal): Promise<void> {
    await this.#ask('POST back', signal, (client) => client.back());
  }

  async openApp(packageName: string, signal: AbortSignal): Promise<void> {
    await this.#ask('POST activateApp', signal, (client) => client.executeScript('mobile: activateApp', [{ appId: packageName }]));
  }

  async closeApp(packageName: string, signal: AbortSignal): Promise<void> {
    await this.#ask('POST terminateApp', signal, (client) => client.executeScript('mobile: terminateApp', [{ appId: packageName }]));
  }

  async close(limitMs: number): Promise<void> {
    const { clock, logger, leave } = this.#options;
    const deleting = this.#client.deleteSession();
    leave(deleting);
    try {
      await withLimit(clock, { ms: limitMs, reason: 'session end' }, () => deleting);
    } catch (error) {
      logger.debug({ session: this.sessionId, text: foreignError(error).text }, 'the session did not end in time or was gone');
    }
  }

  /** One request. An abort rejects at once; whether the phone still does it is then as open as after a time-out. */
  async #ask<T>(endpoint: string, signal: AbortSignal, command: (client: Client) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      const answer = await observing(signal, command(this.#client));
      throwAnswered(answer);
      return answer;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw uiError(error, endpoint, this.#options.url);
    }
  }
}

/** "No such element" is no error to webdriver, not even as the answer to a tap: it resolves with the error as a value. */
function throwAnswered(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('error' in answer) || typeof answer.error !== 'string') return;
  const message = 'message' in answer && typeof answer.message === 'string' ? answer.message : answer.error;
  throw Object.assign(new Error(message), { name: answer.error });
}

/** The WebdriverIO options that every session has; `remote()` adds the capabilities. */
export function clientOptions(url: string, clientLimitMs: number = CLIENT_LIMIT_MS) {
  const { protocol, hostname, port, pathname } = new URL(url);
  return {
    protocol: protocol === 'https:' ? 'https' : 'http',
    hostname,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    path: pathname,
    // Anything but `silent` keeps every printed line in memory for ever, and prints past our logger.
    logLevel: 'silent' as const,
    connectionRetryCount: 0,
    connectionRetryTimeout: clientLimitMs,
    waitforTimeout: 5_000,
    enableDirectConnect: false,
  };
}

/** The locator strategy of a selector. @throws SchedulerError BAD_FLOW when it has no key */
export function strategyOf(selector: Selector): { readonly using: string; readonly value: string } {
  if (selector.id !== undefined) return { using: 'id', value: selector.id };
  if (selector.desc !== undefined) return { using: 'accessibility id', value: selector.desc };
  // The driver reads a Java string literal there, whose escapes are those of JSON.
  if (selector.text !== undefined)
    return { using: '-android uiautomator', value: `new UiSelector().text(${JSON.stringify(selector.text)})` };
  if (selector.xpath !== undefined) return { using: 'xpath', value: selector.xpath };
  throw new SchedulerError('BAD_FLOW', { details: { where: 'selector', what: 'it has none of id, desc, text, xpath' } });
}
