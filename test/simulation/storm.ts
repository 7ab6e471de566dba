/**
 * The weather of one life: which faults it knows, how often, and what they do at
 * a gate. Which faults are on differs from life to life, so that rare pairs meet.
 */
import { SchedulerError } from '../../src/errors.ts';
import type { Chance } from './chance.ts';
import type { MoodRates } from './moods.ts';
import type { SimProcess, Weather } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

export interface Rates {
  readonly crash: number;
  readonly freeze: number;
  readonly storeBefore: number;
  readonly storeAfter: number;
  /** It is frozen between commit() and the act, past the take-over time. */
  readonly frozenTap: number;
  /** `committing` cannot be written. */
  readonly commitFails: number;
  readonly ledgerBefore: number;
  readonly ledgerAfter: number;
  readonly ledgerTorn: number;
  readonly slow: number;
  readonly clock: number;
  readonly sleep: number;
  readonly reboot: number;
  readonly databaseLost: number;
  readonly overtaken: number;
  readonly person: number;
  readonly moods: MoodRates;
}

const CALM: MoodRates = { fails: 0, ignores: 0, forgets: 0, twice: 0, actLate: 0, act: 0, hangs: 0, slowUpload: 0, badLook: 0 };

export function drawRates(chance: Chance): Rates {
  const some = (most: number, probability = 0.4) => (chance.happens(probability) ? chance.between(most / 4, most) : 0);
  const moods = {
    ...{ fails: some(0.5), ignores: some(0.3, 0.15), forgets: 0, twice: some(0.2, 0.1), actLate: some(0.4, 0.25), act: some(0.7, 0.5) },
    ...{ hangs: some(0.3, 0.2), slowUpload: some(0.7), badLook: some(0.6, 0.3) },
  };
  const rates: Rates = {
    ...{
      crash: some(0.02),
      freeze: some(0.02),
      storeBefore: some(0.03, 0.3),
      storeAfter: some(0.03, 0.3),
      commitFails: 0,
      frozenTap: 0,
      ledgerBefore: some(0.2, 0.2),
    },
    ...{ ledgerAfter: some(0.2, 0.2), ledgerTorn: some(0.1, 0.1), slow: some(0.1, 0.3), clock: some(0.01, 0.25), sleep: some(0.01, 0.2) },
    ...{ reboot: some(0.5), databaseLost: some(0.6, 0.25), overtaken: some(0.6, 0.3), person: some(1), moods },
  };
  const theme = chance.happens(0.3) ? chance.pick(THEMES) : {};
  // A publisher that acts without asking can only be caught while it lives.
  return chance.happens(0.04) ? { ...NONE, person: rates.person, moods: { ...CALM, forgets: 0.5 } } : { ...rates, ...theme };
}

/** Storms of one kind: the safeguards that rarely matter need them. */
const THEMES: readonly Partial<Rates>[] = [
  { ledgerBefore: 0.4, databaseLost: 0.9, crash: 0.01 },
  { storeBefore: 0.02, commitFails: 0.6, crash: 0.01 },
  { freeze: 0.04, overtaken: 0, crash: 0 },
  { frozenTap: 0.5, overtaken: 1, crash: 0, reboot: 0 },
];

const NONE: Rates = {
  ...{
    crash: 0,
    freeze: 0,
    storeBefore: 0,
    storeAfter: 0,
    commitFails: 0,
    frozenTap: 0,
    ledgerBefore: 0,
    ledgerAfter: 0,
    ledgerTorn: 0,
    slow: 0,
    clock: 0,
    sleep: 0,
  },
  ...{ reboot: 0, databaseLost: 0, overtaken: 0, person: 0, moods: CALM },
};

/** At these gates the faults are this many times as likely. */
const CRITICAL = /^(?:ledger|publisher\.act|store\.change)/;
const WORSE = 4;
const STRIKES = 12;

export interface StormParts {
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly rates: Rates;
  readonly trace: (line: string) => void;
  readonly tear: () => void;
}

export class Storm implements Weather {
  readonly #parts: StormParts;
  #left = STRIKES;
  /** No fault any more. */
  over = false;

  constructor(parts: StormParts) {
    this.#parts = parts;
  }

  before(process: SimProcess, gate: string): Promise<void> | undefined {
    if (this.over) return undefined;
    const { chance, rates, timeline } = this.#parts;
    const factor = CRITICAL.test(gate) ? WORSE : 1;
    if (this.#strikes(rates.crash * factor, `${process.name} dies before ${gate}`)) process.end();
    else if (this.#strikes(rates.freeze * factor, `${process.name} is frozen before ${gate}`)) process.freeze(freezeMs(chance));
    if (this.#strikes(rates.clock * factor, `the clock is set before ${gate}`)) timeline.moveWall(jumpMs(chance));
    if (this.#strikes(rates.sleep * factor, `the machine sleeps before ${gate}`)) timeline.moveWall(chance.between(1_000, 7_200_000));
    if (gate.startsWith('store.') && this.#strikes(rates.storeBefore, `${gate} of ${process.name}: busy`)) throw failed('SQLITE_BUSY');
    if (gate === 'publisher.act' && this.#strikes(rates.frozenTap, `${process.name} is frozen with the tap in hand`)) {
      process.freeze(chance.between(150_000, 500_000));
    }
    if (gate === 'store.change.commit' && this.#strikes(rates.commitFails, `${gate} of ${process.name}: disk full`))
      throw failed('SQLITE_FULL');
    if (gate.startsWith('ledger.') && this.#strikes(rates.ledgerBefore, `${gate} of ${process.name}: disk full`)) throw failed('ENOSPC');
    if (gate === 'ledger.append' && this.#strikes(rates.ledgerTorn, `${gate} of ${process.name}: torn`)) {
      this.#parts.tear();
      if (chance.happens(0.5)) process.end();
      throw failed('EIO');
    }
    if (!chance.happens(rates.slow)) return undefined;
    return process.clock.sleep(chance.between(1, 300), `slow ${gate}`).then(() => undefined);
  }

  after(process: SimProcess, gate: string): Promise<void> | undefined {
    if (this.over) return undefined;
    const { chance, rates } = this.#parts;
    const factor = CRITICAL.test(gate) ? WORSE : 1;
    if (this.#strikes(rates.crash * factor, `${process.name} dies after ${gate}`)) process.end();
    else if (this.#strikes(rates.freeze * factor, `${process.name} is frozen after ${gate}`)) process.freeze(freezeMs(chance));
    if (gate.startsWith('store.') && this.#strikes(rates.storeAfter, `${gate} of ${process.name}: done, but fails`))
      throw failed('SQLITE_IOERR');
    if (gate.startsWith('ledger.') && this.#strikes(rates.ledgerAfter, `${gate} of ${process.name}: done, but fails`)) throw failed('EIO');
    return undefined;
  }

  #strikes(rate: number, what: string): boolean {
    if (this.#left === 0 || !this.#parts.chance.happens(rate)) return false;
    this.#left -= 1;
    this.#parts.trace(what);
    return true;
  }
}

function freezeMs(chance: Chance): number {
  return chance.happens(0.5) ? chance.between(1_000, 60_000) : chance.between(60_000, 500_000);
}

function jumpMs(chance: Chance): number {
  return chance.pick([-1, 1]) * (chance.happens(0.5) ? chance.between(1_000, 600_000) : chance.between(600_000, 100_000_000));
}

function failed(text: string): SchedulerError {
  return new SchedulerError('STORE_FAILED', { details: { text } });
}
