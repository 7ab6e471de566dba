/**
 * Publishes through an app on a phone: prepares the phone, gives it the video,
 * opens a session, lets the flow post, and takes away what it left there.
 *
 * What to do in the app is the flow's business; what an error means is the
 * attempt's. Whatever happens in the clean-up never changes the outcome.
 */
import { posix } from 'node:path';
import type { Ui, UiFactory } from '../appium/appium.ts';
import type { ConnectedDevice } from '../devices/device.ts';
import type { Verdict } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import type { Flow, FlowEngine, FlowRun } from '../flows/flow.ts';
import { type Clock, withLimit } from '../runtime/clock.ts';
import type { LookContext, PublishContext, PublishErrorHints, Publisher, PublishJob } from './publisher.ts';
import { checkVideoFile, remoteName } from './video-file.ts';

export interface AppiumPublisherParts {
  /** A phone that is on and connected, by its id. */
  readonly devices: (id: string, signal: AbortSignal) => Promise<ConnectedDevice>;
  readonly ui: UiFactory;
  /** @throws SchedulerError UNKNOWN_APP, BAD_FLOW */
  readonly flows: (app: string) => Flow;
  readonly engine: FlowEngine;
  readonly clock: Clock;
  /** How long the app may go on uploading after its old session was ended, before "not there" counts; milliseconds. */
  readonly settleMs: number;
}

/** Together below the 20 s that an attempt which was broken off gets to let go of its phone. */
const EVIDENCE_LIMIT_MS = 6_000;
/** deleteSession takes 0.1 to 0.5 s on a healthy phone and 38 s on a silent one. */
const CLOSE_LIMIT_MS = 8_000;
const REMOVE_LIMIT_MS = 8_000;

interface RunOf {
  readonly ui: Ui;
  readonly flow: Flow;
  readonly job: PublishJob;
  readonly video: string;
  readonly ctx: LookContext;
}

export class AppiumPublisher implements Publisher {
  readonly name = 'appium';
  readonly needs = { appium: true, device: true };
  readonly settleMs: number;
  readonly #parts: AppiumPublisherParts;

  constructor(parts: AppiumPublisherParts) {
    this.#parts = parts;
    this.settleMs = parts.settleMs;
  }

  /** @throws SchedulerError of the phone, Appium or the flow; see publisher.ts for what it means before and after ctx.commit() */
  async publish(job: PublishJob, ctx: PublishContext): Promise<void> {
    const flow = this.#parts.flows(job.app);
    ctx.phase('prepare');
    await checkVideoFile(job.video, ctx.signal);
    const device = await this.#device(job, ctx.signal);
    ctx.phase('push');
    // The session is opened while the video travels: each takes the phone seconds, and neither needs the other.
    const giveUp = new AbortController();
    const signal = AbortSignal.any([ctx.signal, giveUp.signal]);
    const opening = this.#parts.ui.open(device, signal);
    const opened = opening.catch(() => null);
    const asking = device.appVersion(flow.package, signal).catch(() => null);
    let remotePath: string | null = null;
    let inUse = false;
    const commit = async () => {
      await ctx.commit();
      inUse = true;
    };
    try {
      remotePath = await device.pushVideo({ ...job.video, name: remoteName(job) }, ctx.signal);
      ctx.log.info(`video pushed as ${remotePath}`);
      ctx.phase('open');
      const [ui, version] = await Promise.all([opening, asking]);
      if (version !== null) ctx.appVersion(version);
      await this.#run({ ui, flow, job, video: posix.basename(remotePath), ctx }, (run) =>
        this.#parts.engine.publish(run, { phase: (phase) => ctx.phase(phase), commit }),
      );
      inUse = false;
      // Only now: after a failure the phase that is kept must be the one that failed.
      ctx.phase('cleanup');
    } catch (error) {
      if ((error as PublishErrorHints | null)?.proofOfAbsence === true) inUse = false;
      throw error;
    } finally {
      giveUp.abort(new Error('the attempt is over'));
      // An upload may still be reading the file: taking it away made the simulated phone lose the post. verify() takes it away later.
      const leftOver = inUse ? null : remotePath;
      await Promise.all([opened.then((ui) => ui?.close(CLOSE_LIMIT_MS)), leftOver === null ? null : this.#remove(device, leftOver, ctx)]);
    }
  }

  /**
   * Looks at the account's profile. The new session cuts off whoever held the phone; "absent" is
   * believed only when a second look, after the app had time to settle, says so too.
   */
  async verify(job: PublishJob, ctx: LookContext): Promise<Verdict | 'unknown'> {
    const flow = this.#parts.flows(job.app);
    if (flow.verify === null) return 'unknown';
    const device = await this.#device(job, ctx.signal);
    const ui = await this.#parts.ui.open(device, ctx.signal);
    try {
      const says = await this.#run({ ui, flow, job, video: '', ctx }, async (run) => {
        const { engine, clock } = this.#parts;
        const first = await engine.look(run, job.committed_ms ?? null);
        if (first !== 'absent') return first;
        await clock.sleep(this.settleMs, `the app of ${job.account} settles`, ctx.signal);
        ctx.signal.throwIfAborted();
        return await engine.look(run, job.committed_ms ?? null);
      });
      if (says !== 'unknown') await this.#remove(device, remoteName(job), ctx);
      return says;
    } finally {
      await ui.close(CLOSE_LIMIT_MS);
    }
  }

  async #device(job: PublishJob, signal: AbortSignal): Promise<ConnectedDevice> {
    if (job.device === null) {
      throw new SchedulerError('PHONE_NOT_FOUND', { details: { account: job.account, text: 'none is assigned to it' } });
    }
    const device = await this.#parts.devices(job.device, signal);
    await device.ping(signal);
    return device;
  }

  /** Runs the flow; when it fails, keeps the screen as it was. Whatever happens to the evidence, the first error is the one that counts. */
  async #run<T>(of: RunOf, work: (run: FlowRun) => Promise<T>): Promise<T> {
    const { ui, flow, job, video, ctx } = of;
    let source: string | null = null;
    const looked = (xml: string) => {
      source = xml;
    };
    const { clock } = this.#parts;
    try {
      return await work({ ui, flow, account: job.account, video, caption: job.caption, clock, signal: ctx.signal, log: ctx.log, looked });
    } catch (error) {
      await this.#keepScreen(ui, source, ctx).catch((problem: unknown) => ctx.log.warn(`no screenshot could be taken: ${String(problem)}`));
      throw error;
    }
  }

  async #keepScreen(ui: Ui, source: string | null, ctx: LookContext): Promise<void> {
    if (source !== null) await ctx.evidence('source.xml', new TextEncoder().encode(source));
    // Not the attempt's signal: it may be the reason why we are here.
    const limit = { ms: EVIDENCE_LIMIT_MS, reason: 'evidence' };
    const png = await withLimit(this.#parts.clock, limit, (signal) => ui.screenshot(signal));
    await ctx.evidence('screen.png', png);
  }

  async #remove(device: ConnectedDevice, pathOrName: string, ctx: LookContext): Promise<void> {
    const limit = { ms: REMOVE_LIMIT_MS, reason: 'removal of the pushed video' };
    try {
      await withLimit(this.#parts.clock, limit, (signal) => device.removeVideo(pathOrName, signal));
    } catch (error) {
      ctx.log.warn(`the pushed video stays on the phone: ${String(error)}`, { file: pathOrName });
    }
  }
}
