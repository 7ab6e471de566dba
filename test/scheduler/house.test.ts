/** Guards promise 6: what was opened is closed, in reverse order, whatever one part does. */
import { describe, expect, it } from 'vitest';
import { House, type Part } from '../../src/scheduler/house.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('the house', () => {
  it('closes in reverse order what was opened, also when one part fails or hangs', async () => {
    const clock = new VirtualClock();
    const logger = new MemoryLogger();
    const did: string[] = [];
    const part = (name: string, stop: () => Promise<void> = async () => {}): Part => ({
      name,
      start: async () => void did.push(`open ${name}`),
      stop: () => {
        did.push(`close ${name}`);
        return stop();
      },
    });
    const parts = [
      part('first'),
      part('broken', () => Promise.reject(new Error('no'))),
      part('stuck', () => new Promise(() => {})),
      part('last'),
    ];
    const house = new House({ parts, clock, logger });
    await house.open();
    await clock.run(house.close());
    expect(did.slice(4)).toEqual(['close last', 'close stuck', 'close broken', 'close first']);
    expect(logger.messages()).toEqual(['stuck did not stop within 30 s', 'broken could not be stopped']);
    await house.close();
    expect(did).toHaveLength(8);
  });

  it('closes what was opened before a start that failed', async () => {
    const did: string[] = [];
    const parts: Part[] = [
      { name: 'first', stop: async () => void did.push('close first') },
      { name: 'second', start: () => Promise.reject(new Error('port taken')), stop: async () => void did.push('close second') },
      { name: 'third', stop: async () => void did.push('close third') },
    ];
    const house = new House({ parts, clock: new VirtualClock(), logger: new MemoryLogger() });
    await expect(house.open()).rejects.toThrow('port taken');
    await house.close();
    expect(did).toEqual(['close second', 'close first']);
  });
});
