/** The events of the store in memory: numbered without gaps, the newest never forgotten. */
import type { EventRecord, EventType, NewEvent } from '../../src/domain/event.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { EventFilter, Store } from '../../src/stores/store.ts';

export const BLANK = { job: null, account: null, device: null, phase: null, category: null, details: {}, type: 'added' as EventType };

export class MemoryEvents {
  readonly #clock: Clock;
  #kept: EventRecord[] = [];
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  say(event: Parameters<Store['recordEvent']>[0]): void {
    this.record({ ...BLANK, ...event, atMs: this.#clock.now() });
  }

  record(event: NewEvent): void {
    this.#seq += 1;
    this.#kept.push({ ...event, seq: this.#seq });
  }

  take(other: MemoryEvents): void {
    this.#kept = [...other.#kept];
    this.#seq = other.#seq;
  }

  forgetBefore(beforeMs: number): void {
    this.#kept = this.#kept.filter((event) => event.atMs >= beforeMs || event.type === 'settled' || event.seq === this.#seq);
  }

  list({ afterSeq = 0, job, types, limit }: EventFilter): readonly EventRecord[] {
    return this.#kept
      .filter((event) => event.seq > afterSeq && (job ?? event.job) === event.job && (types?.includes(event.type) ?? true))
      .slice(0, limit ?? this.#kept.length);
  }
}
