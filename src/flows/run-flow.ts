/**
 * Runs a flow: from the app's first screen to a confirmed post.
 *
 *   identify ─▶ steps, each on its screen ─▶ one look checks account, video, caption
 *            ─▶ commit() ─▶ ONE tap ─▶ positive confirmation
 *
 * Before commit() everything can be taken back and may be done again; after it
 * nothing is. Knows the app only through its flow, the phone only through `Ui`.
 */
import type { UiElement } from '../appium/appium.ts';
import { SchedulerError } from '../errors.ts';
import type { FlowHooks, FlowRun, FlowStep } from './flow.ts';
import { identify } from './identify.ts';
import { handleOf, type Look, type Outcome, textsOf } from './screens.ts';
import { surelyNotTapped } from './surely-not-tapped.ts';
import { accountScreen, rejected, Walk } from './walk.ts';

/** How often a caption that the field did not take over is typed anew. */
const TYPING_TRIES = 2;
/** Between two looks for the confirmation: a tenth of the wait so far, so that a short upload is not waited for in vain and a long one costs few looks. */
const CONFIRM_POLL = { shortestMs: 50, longestMs: 1_000, share: 0.1 } as const;

/** Posts; FlowEngine.publish says what it throws. */
export async function runFlow(run: FlowRun, hooks: FlowHooks): Promise<void> {
  const walk = new Walk(run);
  const { flow, ui } = run;
  hooks.phase('identify');
  await walk.ask('openApp', (signal) => ui.openApp(flow.package, signal));
  await identify(walk);
  hooks.phase('compose');
  const button = await compose(walk);
  run.signal.throwIfAborted();
  hooks.phase('commit');
  await hooks.commit();
  await tapOnce(walk, button);
  hooks.phase('confirm');
  await confirm(walk);
}

/** Does the steps up to the commit. Answers the button that posts, on a screen that was just seen to be right. */
async function compose(walk: Walk): Promise<UiElement> {
  const { steps } = walk.run.flow;
  let before: Done | null = null;
  for (const [at, step] of steps.entries()) {
    if (step.commit) return walk.until(step.name, step.limitMs, (look) => ready(walk, step, look, before));
    const next = steps[at + 1];
    const done: Done | 'skipped' = await waitFor(walk, step, async (look) => {
      if (walk.shows(look, step.screen))
        return (await perform(walk, step, look)) ? { step, atMs: walk.run.clock.monotonic(), repeated: false } : undefined;
      if (step.optional && next !== undefined && walk.shows(look, next.screen)) return 'skipped' as const;
      await again(walk, before, look);
      return undefined;
    });
    if (done === 'skipped') continue;
    walk.run.log.info(`${step.name}: done`);
    if (step.action.do === 'pick_video') walk.rejectionIsOurs = true;
    before = done;
  }
  // The loader refuses such a flow; a flow put together otherwise must not end in silence.
  throw new SchedulerError('BAD_FLOW', { details: { where: walk.run.flow.app, what: 'no step has `commit: true`' } });
}

interface Done {
  readonly step: FlowStep;
  readonly atMs: number;
  repeated: boolean;
}

/** A picker that never lists our video is told apart from a screen that never came. */
async function waitFor<T>(walk: Walk, step: FlowStep, react: (look: Look) => Promise<T | undefined>): Promise<T> {
  let onScreen = false;
  try {
    return await walk.until(step.name, step.limitMs, (look) => {
      onScreen = walk.shows(look, step.screen);
      return react(look);
    });
  } catch (error) {
    if (!(error instanceof SchedulerError) || error.code !== 'UNKNOWN_SCREEN' || step.action.do !== 'pick_video' || !onScreen) throw error;
    throw new SchedulerError('VIDEO_NOT_LISTED', { cause: error, details: { video: walk.values.video, limitMs: step.limitMs } });
  }
}

/** Taps get lost in animations and under popups: the step before is done once more when its screen will not go away. */
async function again(walk: Walk, before: Done | null, look: Look): Promise<void> {
  if (before === null || before.repeated || before.step.action.do === 'type' || !walk.shows(look, before.step.screen)) return;
  if (walk.run.clock.monotonic() - before.atMs < before.step.limitMs / 2) return;
  before.repeated = await walk.act(look, before.step);
}

async function perform(walk: Walk, step: FlowStep, look: Look): Promise<boolean> {
  const { action } = step;
  return action.do === 'type' ? walk.unlessGone(() => typeCaption(walk, look, action.element), false) : walk.act(look, step);
}

/** The caption as a text field can hold it. */
export function typedCaption(caption: string): string {
  return caption.replaceAll('\r\n', '\n');
}

async function typeCaption(walk: Walk, look: Look, element: string): Promise<boolean> {
  const caption = typedCaption(walk.run.caption);
  for (let tries = 1; ; tries += 1) {
    const field = await walk.find(look, element);
    if (field === null) return false;
    if (caption !== '') await walk.ask('POST /element/value', (signal) => walk.run.ui.type(field, caption, signal));
    const problem = await captionProblem(walk, look, field);
    if (problem === null) return true;
    if (tries >= TYPING_TRIES) throw problem;
  }
}

/** Null when the field holds exactly our caption. An empty field may answer with its hint. */
async function captionProblem(walk: Walk, look: Look, field: UiElement): Promise<SchedulerError | null> {
  const caption = typedCaption(walk.run.caption);
  const shown = await walk.ask('GET /element/text', (signal) => walk.run.ui.text(field, signal));
  if (shown === caption) return null;
  if (caption === '' && look.nodes.some(({ hint }) => hint !== '' && hint === shown)) return null;
  return new SchedulerError('CAPTION_CHANGED', { details: { expectedLength: caption.length, foundLength: shown.length } });
}

/**
 * The button that posts, when one look shows the right account and the right video and the field holds the caption.
 * Undefined while the screen is not complete. @throws SchedulerError WRONG_ACCOUNT, WRONG_VIDEO, CAPTION_CHANGED
 */
async function ready(walk: Walk, step: FlowStep, look: Look, before: Done | null): Promise<UiElement | undefined> {
  const { flow } = walk.run;
  const { account, video } = walk.values;
  if (!walk.shows(look, step.screen)) {
    await again(walk, before, look);
    return undefined;
  }
  if (flow.check.account !== null) {
    const found = handleOf(walk.textOf(look, flow.check.account) ?? '');
    if (found === '') return undefined;
    if (found !== account) throw new SchedulerError('WRONG_ACCOUNT', { details: { account, found, type: 'wrong_account' } });
  }
  if (flow.check.video !== null) {
    const found = walk.textOf(look, flow.check.video) ?? '';
    if (found === '') return undefined;
    if (found !== video) throw new SchedulerError('WRONG_VIDEO', { details: { video, found } });
  }
  const field = await walk.find(look, flow.check.caption);
  const button = step.action.do === 'tap' ? await walk.find(look, step.action.element) : null;
  if (field === null || button === null) return undefined;
  const problem = await walk.unlessGone(() => captionProblem(walk, look, field), undefined);
  if (problem === undefined) return undefined;
  if (problem !== null) throw problem;
  return button;
}

/** The irreversible act: one request, and whatever it answers, never a second one. */
async function tapOnce(walk: Walk, button: UiElement): Promise<void> {
  try {
    await walk.ask('POST /element/click', (signal) => walk.run.ui.tap(button, signal));
  } catch (error) {
    throw surelyNotTapped(error) ? Object.assign(error as SchedulerError, { proofOfAbsence: true }) : error;
  }
}

/**
 * Waits for positive proof. Acts on nothing but popups.
 *
 * @throws SchedulerError NOT_CONFIRMED when the limit is over, or when nothing has spoken of an upload for `quietMs`
 */
async function confirm(walk: Walk): Promise<void> {
  const { clock, signal, flow } = walk.run;
  const startMs = clock.monotonic();
  let aliveMs = startMs;
  for (;;) {
    signal.throwIfAborted();
    const look = await walk.look();
    const said = walk.outcome(look);
    if (said !== null && walk.isOurs(said)) {
      if (said.outcome.means === 'account') throw accountScreen(walk.values.account, said);
      if (said.outcome.means === 'rejected') throw rejected(said);
      if (said.outcome.means === 'uploading') aliveMs = clock.monotonic();
      if (said.outcome.means === 'published' && isOurPost(walk, look, said)) return;
    }
    await walk.dismissPopup(look);
    const now = clock.monotonic();
    if (now - startMs >= flow.confirm.limitMs || now - aliveMs >= flow.confirm.quietMs) {
      throw new SchedulerError('NOT_CONFIRMED', { details: { what: whatShows(said), waitedMs: Math.round(now - startMs) } });
    }
    const pollMs = Math.min(CONFIRM_POLL.longestMs, Math.max(CONFIRM_POLL.shortestMs, (now - startMs) * CONFIRM_POLL.share));
    await clock.sleep(pollMs, `flow ${flow.app}: confirmation of the post`, signal);
  }
}

function isOurPost(walk: Walk, look: Look, { outcome, about }: Outcome): boolean {
  const { flow, caption } = walk.run;
  if (outcome.account !== null && about === null) return false;
  return outcome.caption === null || textsOf(flow, look, outcome.caption, walk.values).includes(typedCaption(caption));
}

function whatShows(said: Outcome | null): string {
  return said === null ? 'it says nothing about it' : `it still shows "${said.what}"`;
}
