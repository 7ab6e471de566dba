/** Our side: the production publisher, phones, session and flow; only the attempt around it does nothing. */
import { join } from 'node:path';
import { WdioUiFactory } from '../../src/appium/wdio-ui.ts';
import { Adb } from '../../src/devices/adb.ts';
import { NetworkDevices } from '../../src/devices/network.ts';
import { flowEngine } from '../../src/flows/flow-engine.ts';
import { flowsIn } from '../../src/flows/load-flow.ts';
import { AppiumPublisher } from '../../src/publishers/appium-publisher.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { answerOrders, type Chain, type Poster, Stopwatch } from './post.ts';

const FLOWS = join(import.meta.dirname, '..', '..', 'flows');
const nothing = (): void => undefined;
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent };

function openPublisher(chain: Chain): Poster {
  const clock = new SystemClock();
  const server = { ensure: async () => undefined, doubt: () => undefined }; // the benchmark's own runs already
  const adb = new Adb({ path: 'adb', port: chain.adbPort, instance: 'bench', environment: chain.env, clock, server });
  const phones = [{ name: 'phone-1', address: chain.phone }];
  const network = new NetworkDevices({ kind: 'simulated', phones, adb, clock, logger: silent });
  const publisher = new AppiumPublisher({
    devices: (id, signal) => network.connect(id, signal),
    ui: new WdioUiFactory({ server: { url: chain.appiumUrl }, clock, logger: silent }),
    flows: flowsIn([FLOWS]),
    engine: flowEngine,
    clock,
    settleMs: 0,
  });
  return async ({ id, account, path, sha256, caption }) => {
    const watch = new Stopwatch();
    const job = {
      id,
      account,
      app: 'demo',
      device: 'phone-1',
      video: { path, sha256 },
      caption,
      post_key: id,
      attempt: 1,
      max_attempts: 1,
    };
    await publisher.publish(job, {
      signal: new AbortController().signal,
      log: { info: nothing, warn: nothing },
      phase: (name) => watch.enter(name),
      commit: async () => undefined,
      appVersion: nothing,
      evidence: async () => undefined,
      options: {},
    });
    return watch.end();
  };
}

answerOrders(openPublisher);
