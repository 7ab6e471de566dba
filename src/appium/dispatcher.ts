/**
 * The connections of all WebDriver sessions of this process.
 *
 * webdriver makes a connection pool for each new session and never closes it,
 * and Appium keeps its end open for 600 s: one file descriptor and 27 KB leaked
 * per session (measured: 422 descriptors after 400 sessions). It does use a
 * global dispatcher whose class is not called `Agent`, so one is installed that
 * serves Appium from one pool. Whatever goes elsewhere keeps undici's defaults.
 */
import { Agent, Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici';

/**
 * No time limits here but the connect: the session's own limit is then the only timer, and a hang always
 * looks the same. Idle sockets go after 5 s at most, whatever the server's keep-alive says.
 */
const POOL = {
  connectTimeout: 5_000,
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 1_000,
  keepAliveMaxTimeout: 5_000,
  connections: 64,
};

class AppiumDispatcher extends Dispatcher {
  readonly #origins = new Set<string>();
  readonly #pool = new Agent(POOL);
  readonly #others: Dispatcher;

  constructor(others: Dispatcher) {
    super();
    this.#others = others;
  }

  serve(origin: string): void {
    this.#origins.add(origin);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const origin = options.origin === undefined ? '' : new URL(options.origin).origin;
    return (this.#origins.has(origin) ? this.#pool : this.#others).dispatch(options, handler);
  }
}

let installed: AppiumDispatcher | null = null;

/** Sends everything for this Appium through the shared pool. Safe to call for each session. */
export function shareConnections(url: string): void {
  if (installed === null) {
    installed = new AppiumDispatcher(getGlobalDispatcher());
    setGlobalDispatcher(installed);
  }
  installed.serve(new URL(url).origin);
}
