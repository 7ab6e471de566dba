/**
 * Appium, as the rest of the program sees it: a server that is kept alive, and
 * a session on one phone that can look and act.
 *
 * `Ui` has no method that repeats an act: one call is one request (the client's
 * own retries are off), so that a tap is sent at most once.
 */
import type { ConnectedDevice } from '../devices/device.ts';

export interface AppiumHealth {
  readonly healthy: boolean;
  readonly url: string;
  /** Why not, in words. */
  readonly problem: string | null;
  /** True when waiting is pointless: the process has ended or its port refuses. */
  readonly gone: boolean;
}

export interface AppiumServer {
  /** Starts it when it is ours and not running; resolves when it is ready. @throws SchedulerError APPIUM_DOWN, APPIUM_NOT_FOUND */
  start(signal: AbortSignal): Promise<void>;
  /** Listener is ours, /status is ready, the driver is there. Never throws. */
  check(signal: AbortSignal): Promise<AppiumHealth>;
  /** Ends the whole tree and starts anew; a server that is not ours is only waited for. */
  restart(signal: AbortSignal): Promise<void>;
  /** Ends the whole tree that we started. Safe to call twice. */
  stop(): Promise<void>;
  readonly url: string;
}

/** One way to find an element. Exactly one key is set. */
export interface Selector {
  /** Resource id, with or without the `package:id/` prefix. */
  readonly id?: string;
  /** Accessibility id (content-desc). */
  readonly desc?: string;
  /** Exact visible text. */
  readonly text?: string;
  readonly xpath?: string;
}

/** A found element; valid for the screen it was found on. */
export interface UiElement {
  readonly id: string;
}

export interface Ui {
  readonly sessionId: string;
  /** Polls the selectors in their order until one matches. @throws SchedulerError ELEMENT_NOT_FOUND, UI_FAILED */
  find(selectors: readonly Selector[], limitMs: number, signal: AbortSignal): Promise<UiElement>;
  /** One look, no waiting: the first match, or null. */
  peek(selectors: readonly Selector[], signal: AbortSignal): Promise<UiElement | null>;
  /** One raw elementClick: no refetch, no retry, no second tap. */
  tap(element: UiElement, signal: AbortSignal): Promise<void>;
  /** Replaces the text of a field; any Unicode, line breaks included. */
  type(element: UiElement, text: string, signal: AbortSignal): Promise<void>;
  text(element: UiElement, signal: AbortSignal): Promise<string>;
  /** The page source as XML. */
  source(signal: AbortSignal): Promise<string>;
  /** PNG bytes. */
  screenshot(signal: AbortSignal): Promise<Uint8Array>;
  back(signal: AbortSignal): Promise<void>;
  openApp(packageName: string, signal: AbortSignal): Promise<void>;
  closeApp(packageName: string, signal: AbortSignal): Promise<void>;
  /** Ends the session within the limit; never throws: its failure must not change a job's outcome. */
  close(limitMs: number): Promise<void>;
}

export interface UiFactory {
  /** A new session on the phone; it ends any other session there. @throws SchedulerError SESSION_FAILED, APPIUM_DOWN */
  open(device: ConnectedDevice, signal: AbortSignal): Promise<Ui>;
}

/**
 * Thrown by Ui when a request failed. `sent` says what is known about the phone:
 * 'no' = surely not carried out, 'maybe' = it may have been.
 */
export interface UiFailureDetails {
  readonly sent: 'no' | 'maybe';
  readonly text: string;
  readonly endpoint: string;
}
