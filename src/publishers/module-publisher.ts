/**
 * A publisher that somebody else wrote, as an ES module:
 *
 *   export default { name, needs: {appium, device}, async publish(job, ctx) {…}, async verify(job, ctx) {…} }
 *
 * This file checks its shape, hands it exactly what the contract names, and
 * makes what it throws an Error. That commit() is called once and in time is
 * the attempt's business.
 */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Verdict } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import type { LookContext, PublishContext, PublishErrorHints, Publisher, PublishJob } from './publisher.ts';
import { checkVideoFile } from './video-file.ts';

export interface ModulePublisherRequest {
  /** An absolute path, or the name of an installed package. */
  readonly path: string;
  readonly options: Readonly<Record<string, unknown>>;
}

type Call = (job: unknown, ctx: unknown) => unknown;

/** What the module exports, once its shape was checked. */
interface Exported {
  readonly name: string;
  readonly needs: { readonly appium: boolean; readonly device: boolean };
  readonly publish: Call;
  readonly verify: Call | null;
  readonly settleMs: number;
}

/** @throws SchedulerError BAD_PUBLISHER when it cannot be loaded or has another shape */
export async function loadModulePublisher(request: ModulePublisherRequest): Promise<Publisher> {
  const { path, options } = request;
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(isAbsolute(path) ? pathToFileURL(path).href : path)) as { default?: unknown };
  } catch (error) {
    const what = `it cannot be loaded (${textOf(error)})`;
    throw new SchedulerError('BAD_PUBLISHER', { cause: error, details: { path, what } });
  }
  return new ModulePublisher(shapeOf(loaded.default, path), options);
}

class ModulePublisher implements Publisher {
  readonly name: string;
  readonly needs: { readonly appium: boolean; readonly device: boolean };
  readonly settleMs: number;
  /** Only where the module can look: nobody then waits for looks that tell nothing. */
  readonly verify?: (job: PublishJob, ctx: LookContext) => Promise<Verdict | 'unknown'>;
  readonly #exported: Exported;
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(exported: Exported, options: Readonly<Record<string, unknown>>) {
    this.name = exported.name;
    this.needs = exported.needs;
    this.settleMs = exported.settleMs;
    this.#exported = exported;
    this.#options = options;
    const { verify } = exported;
    if (verify !== null) this.verify = (job, ctx) => this.#look(verify, job, ctx);
  }

  /** @throws what the module throws, an Error with the same hints when that is none; SchedulerError VIDEO_CHANGED, VIDEO_MISSING */
  async publish(job: PublishJob, ctx: PublishContext): Promise<void> {
    await checkVideoFile(job.video, ctx.signal);
    try {
      const attempt: PublishContext = {
        ...this.#context(ctx),
        commit: () => ctx.commit(),
        appVersion: (version) => ctx.appVersion(version),
      };
      await this.#exported.publish(handed(job), attempt);
    } catch (error) {
      throw this.#asError(error);
    }
  }

  /** `unknown` for any answer that is none. @throws like publish */
  async #look(verify: Call, job: PublishJob, ctx: LookContext): Promise<Verdict | 'unknown'> {
    try {
      const answer = await verify(handed(job), this.#context(ctx));
      if (answer === 'published' || answer === 'absent' || answer === 'unknown') return answer;
      ctx.log.warn(`the publisher ${this.name} answered ${textOf(answer)} to verify(); that is none of published, absent, unknown`);
      return 'unknown';
    } catch (error) {
      throw this.#asError(error);
    }
  }

  #context(ctx: LookContext): LookContext {
    return {
      signal: ctx.signal,
      log: ctx.log,
      phase: (name) => ctx.phase(name),
      evidence: (name, bytes) => ctx.evidence(name, bytes),
      options: this.#options,
    };
  }

  /** A plain Error on purpose: what it says about itself is believed, and a text alone is still read. */
  #asError(thrown: unknown): Error {
    if (thrown instanceof Error) return thrown;
    const text = `the publisher ${this.name} threw no Error but: ${textOf(thrown)}`;
    return Object.assign(new Error(text, { cause: thrown }), hintsOf(thrown));
  }
}

/** Exactly what the contract names, as a copy: a module must not come to depend on more, nor change ours. */
function handed(job: PublishJob): PublishJob {
  const { id, account, video, caption, post_key, attempt, max_attempts, app, device, committed_ms } = job;
  const named = { id, account, video: { ...video }, caption, post_key, attempt, max_attempts, app, device };
  return committed_ms === undefined ? named : { ...named, committed_ms };
}

function shapeOf(value: unknown, path: string): Exported {
  const bad = (what: string): never => {
    throw new SchedulerError('BAD_PUBLISHER', { details: { path, what } });
  };
  if (typeof value !== 'object' || value === null)
    return bad('it has no default export that is an object: `export default { name, publish }`');
  const { name, needs = {}, publish, verify = null, settleMs = 0 } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || name === '') bad('its `name` must be a text');
  if (typeof publish !== 'function') bad('its `publish` must be a function');
  if (verify !== null && typeof verify !== 'function') bad('its `verify` must be a function');
  if (typeof needs !== 'object' || needs === null) bad('its `needs` must be an object such as {appium: false, device: false}');
  if (typeof settleMs !== 'number' || !(settleMs >= 0)) bad('its `settleMs` must be a number of milliseconds');
  const { appium = false, device = false } = needs as Readonly<Record<string, unknown>>;
  if (typeof appium !== 'boolean' || typeof device !== 'boolean') bad('`needs.appium` and `needs.device` must be true or false');
  return {
    name: name as string,
    needs: { appium: appium as boolean, device: device as boolean },
    // Called on the exported object, so that a class instance keeps its `this`.
    publish: (job, ctx) => (publish as Call).call(value, job, ctx),
    verify: verify === null ? null : (job, ctx) => (verify as Call).call(value, job, ctx),
    settleMs: settleMs as number,
  };
}

function hintsOf(thrown: unknown): PublishErrorHints {
  if (typeof thrown !== 'object' || thrown === null) return {};
  const { category, type, proofOfAbsence } = thrown as PublishErrorHints;
  return {
    ...(typeof category === 'string' ? { category } : {}),
    ...(typeof type === 'string' ? { type } : {}),
    ...(proofOfAbsence === true ? { proofOfAbsence } : {}),
  };
}

/** What was thrown, in words, whatever it was. */
function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message);
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value);
  }
}
