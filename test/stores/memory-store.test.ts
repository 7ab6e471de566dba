/** The store that other tests stand on keeps the same promises as the real ones. */
import { FakeRandom } from '../support/fake-random.ts';
import { contract } from './contract.ts';
import { lives } from './contract-lives.ts';
import { properties } from './contract-properties.ts';
import { waiting } from './contract-waiting.ts';
import { lifeOf } from './memory-life.ts';
import { MemoryStore } from './memory-store.ts';

contract('memory', async (clock) => new MemoryStore({ clock, random: new FakeRandom(0.5) }));
waiting('memory', async (clock) => new MemoryStore({ clock, random: new FakeRandom(0.5) }));
lives('memory', async (clock) => {
  const store = new MemoryStore({ clock, random: new FakeRandom(0.5) });
  return [lifeOf(store), lifeOf(store)];
});
properties('memory', async (clock) => new MemoryStore({ clock, random: new FakeRandom(0.5) }));
