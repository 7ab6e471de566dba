/**
 * Eyes and hands of one attempt in the app: looks, waits for a screen, taps.
 *
 * Everything here can be taken back; the one act that cannot is in run-flow.ts.
 * Every wait ends at a limit, every request too, and what is in the way (popups,
 * another account's trouble) is cleared before anything is done.
 */
import type { UiElement } from '../appium/appium.ts';
import { SchedulerError } from '../errors.ts';
import { LimitExceeded, withLimit } from '../runtime/clock.ts';
import type { FlowRun, FlowStep } from './flow.ts';
import { type FlowValues, handleOf, type Look, lookAt, type Outcome, outcomeOf, popupOf, screensOf, seen, shows } from './screens.ts';
import { matches } from './ui-tree.ts';

/** Between two looks: short at first, because most screens come at once; then longer, because a look costs the phone up to a second. */
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 400;
/** The words of WebDriver for an element that is not on the screen any more; nothing was done then. */
const GONE: readonly string[] = ['stale element reference', 'no such element'];
/** For one request to the phone; the server's own limit is 60 s, but a step must not hang for longer than this. */
const REQUEST_LIMIT_MS = 30_000;

export class Walk {
  readonly run: FlowRun;
  readonly values: FlowValues;
  /** True once any look said that an upload is running. */
  uploadSeen = false;
  /** A rejection is ours only once our video was chosen; before, it was left over by somebody. */
  rejectionIsOurs = false;

  constructor(run: FlowRun) {
    this.run = run;
    this.values = { account: handleOf(run.account), video: run.video };
  }

  async look(): Promise<Look> {
    const look = lookAt(await this.ask('GET /source', (signal) => this.run.ui.source(signal)));
    this.run.looked?.(look.source);
    return look;
  }

  /** One request with a limit. @throws SchedulerError UI_FAILED (`sent: maybe`) when no answer came in time */
  async ask<T>(endpoint: string, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, signal } = this.run;
    try {
      return await withLimit(clock, { ms: REQUEST_LIMIT_MS, reason: endpoint, signal }, request);
    } catch (error) {
      if (!(error instanceof LimitExceeded)) throw error;
      const text = `${endpoint}: timeout of ${REQUEST_LIMIT_MS} ms exceeded`;
      throw new SchedulerError('UI_FAILED', { cause: error, details: { sent: 'maybe', text, endpoint } });
    }
  }

  /**
   * Looks until `react` answers something else than undefined.
   *
   * @throws SchedulerError UNKNOWN_SCREEN at the limit; ACCOUNT_SCREEN, REJECTED, OTHER_ACCOUNT_SCREEN when the app says so
   */
  async until<T>(step: string, limitMs: number, react: (look: Look) => Promise<T | undefined>): Promise<T> {
    const { clock, signal, flow } = this.run;
    const deadline = clock.monotonic() + limitMs;
    let pollMs = FIRST_POLL_MS;
    let lastSource = '';
    for (;;) {
      signal.throwIfAborted();
      const look = await this.look();
      if (!(await this.#cleared(look))) {
        const answer = await react(look);
        if (answer !== undefined) return answer;
      }
      if (clock.monotonic() >= deadline) {
        const seenScreens = screensOf(flow, look, this.values);
        throw new SchedulerError('UNKNOWN_SCREEN', { details: { step, seen: seenScreens, limitMs, type: 'navigation_stuck' } });
      }
      pollMs = look.source === lastSource ? Math.min(pollMs * 2, LONGEST_POLL_MS) : FIRST_POLL_MS;
      lastSource = look.source;
      await clock.sleep(pollMs, `flow ${flow.app}: ${step}`, signal);
    }
  }

  shows(look: Look, screen: string): boolean {
    return shows(this.run.flow, look, screen, this.values);
  }

  /** The text of an element; null when it is not there. */
  textOf(look: Look, element: string): string | null {
    return seen(this.run.flow, look, element, this.values)?.node.text ?? null;
  }

  /** The element on the phone; null when it is not on the look, or not any more. */
  async find(look: Look, element: string): Promise<UiElement | null> {
    const found = seen(this.run.flow, look, element, this.values);
    if (found === null) return null;
    return this.ask('POST /element', (signal) => this.run.ui.peek([found.selector], signal));
  }

  /** A tap that can be taken back. False when the element is not there (any more). @throws SchedulerError BAD_FLOW when it is the one that posts */
  async tap(look: Look, element: string): Promise<boolean> {
    this.#refuseCommit(look, element);
    const target = await this.find(look, element);
    if (target === null) return false;
    return this.unlessGone(async () => {
      await this.ask('POST /element/click', (signal) => this.run.ui.tap(target, signal));
      return true;
    }, false);
  }

  /** `otherwise` when the element went away between the look and the request: the screen has changed, so look again. Not for the commit. */
  async unlessGone<T, O>(request: () => Promise<T>, otherwise: O): Promise<T | O> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof SchedulerError && GONE.includes(String(error.details.name))) return otherwise;
      throw error;
    }
  }

  /** Does a step's tap, pick or back. False when its element is not there (any more). */
  async act(look: Look, { action }: FlowStep): Promise<boolean> {
    if (action.do !== 'back') return this.tap(look, action.element);
    await this.ask('POST /back', (signal) => this.run.ui.back(signal));
    return true;
  }

  outcome(look: Look): Outcome | null {
    return outcomeOf(this.run.flow, look, this.values);
  }

  /** True when this outcome speaks about our account, or does not say about whom. */
  isOurs({ about }: Outcome): boolean {
    return about === null || about === this.values.account;
  }

  /** Dismisses a popup that shows. True when it acted: the look is old then. */
  async dismissPopup(look: Look): Promise<boolean> {
    const popup = popupOf(this.run.flow, look, this.values);
    if (popup === null) return false;
    this.run.log.info(`popup "${popup.name}" dismissed`);
    await this.tap(look, popup.dismiss);
    return true;
  }

  /** True when something was in the way and was dealt with. */
  async #cleared(look: Look): Promise<boolean> {
    if (await this.dismissPopup(look)) return true;
    const said = this.outcome(look);
    if (said?.outcome.means === 'uploading') this.uploadSeen = true;
    if (said?.outcome.means === 'account') {
      if (this.isOurs(said)) throw accountScreen(this.values.account, said);
      return this.#left(look, said);
    }
    if (said?.outcome.means === 'rejected' && this.rejectionIsOurs) throw rejected(said);
    return false;
  }

  /** Another account's trouble stands in the way: ours is not to blame, and is usable if the app lets us past. */
  async #left(look: Look, said: Outcome): Promise<boolean> {
    const { leave } = said.outcome;
    if (leave === null) {
      throw new SchedulerError('OTHER_ACCOUNT_SCREEN', { details: { account: this.values.account, found: said.about, what: said.what } });
    }
    this.run.log.info(`leaving "${said.what}", which is about ${said.about}`);
    await this.tap(look, leave);
    return true;
  }

  /** Asked of the screen itself, whatever the flow file calls the button: nothing but the commit step may tap it. */
  #refuseCommit(look: Look, element: string): void {
    const { flow } = this.run;
    const node = seen(flow, look, element, this.values)?.node;
    const commit = flow.steps.find((step) => step.commit)?.action;
    if (node === undefined || commit?.do !== 'tap') return;
    if (flow.elements[commit.element]?.some((selector) => matches(node, selector, flow.package))) {
      throw new SchedulerError('BAD_FLOW', { details: { where: flow.app, what: `on this screen "${element}" is the button that posts` } });
    }
  }
}

export function accountScreen(account: string, { outcome, what }: Outcome): SchedulerError {
  return new SchedulerError('ACCOUNT_SCREEN', { details: { account, what, type: outcome.type, category: outcome.category ?? 'account' } });
}

export function rejected({ outcome, what }: Outcome): SchedulerError {
  return new SchedulerError('REJECTED', { details: { what, type: outcome.type ?? 'rejected', category: outcome.category ?? 'content' } });
}
