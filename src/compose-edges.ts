/** Wires the edges towards the unreliable world: phones, Appium and publishers. Part of compose.ts, and as free to name concrete classes. */
import { join } from 'node:path';
import type { UiFactory } from './appium/appium.ts';
import { openAppium } from './appium/open-appium.ts';
import type { AppiumProcessOptions } from './appium/server-process.ts';
import { WdioUiFactory } from './appium/wdio-ui.ts';
import type { Config } from './config.ts';
import { NO_PHONES, openPhoneEdge } from './devices/phone-edge.ts';
import type { Flow } from './flows/flow.ts';
import { flowEngine } from './flows/flow-engine.ts';
import { flowsIn, troubleOf } from './flows/load-flow.ts';
import { AppiumPublisher } from './publishers/appium-publisher.ts';
import { choosePublishers } from './publishers/choose-publisher.ts';
import { environment } from './runtime/environment.ts';
import { guardFolder, HostGuards } from './runtime/host-guards.ts';
import { withoutServiceManager } from './runtime/service-notify.ts';
import { AppiumGuard } from './scheduler/appium-guard.ts';
import { Phones, type PhonesParts } from './scheduler/phones.ts';
import { forwardRecords, processRecords } from './scheduler/records.ts';

export interface EdgesParts
  extends Pick<AppiumProcessOptions, 'clock' | 'random' | 'logger' | 'root' | 'instance'>,
    Omit<PhonesParts, 'providers' | 'needsDevice' | 'guards'> {
  readonly config: Config;
}

/** A session takes 1.5 s to be made and 0.5 s to be ended on a simulated phone; one that hangs is not waited for. */
const LEAVE_LIMIT_MS = 8_000;

/** @throws SchedulerError ADB_NOT_FOUND, BAD_PUBLISHER */
export async function composeEdges(own: EdgesParts) {
  const { config, clock, logger } = own;
  const flows = flowsIn([join(config.home, 'flows'), join(own.root, 'flows')]);
  const publisher = composeAppiumPublisher(own, { flows, phones: () => phones, ui: () => ui });
  const publishers = await choosePublishers({ general: config.publisher, accounts: config.accounts, appium: publisher });
  const around = withoutServiceManager(environment());
  const edge = publishers.needDevice
    ? openPhoneEdge({
        ...{ ...own, ...config.devices, port: config.adb.port, sdk: config.adb.path, environment: around },
        recorder: processRecords(own, 'adb'),
      })
    : NO_PHONES;
  const appium = openAppium({
    ...own,
    ...edge,
    ...config.appium,
    home: config.home,
    environment: around,
    recorder: processRecords(own, 'appium', edge.dropForwards),
  });
  const ui = new WdioUiFactory({ server: appium, clock, logger, onPort: forwardRecords(own) });
  // Ours takes its sessions with it.
  const stopAppium = config.appium.url === null ? () => appium.stop() : () => ui.allLeft(LEAVE_LIMIT_MS);
  const guard = new AppiumGuard({ server: appium, clock, logger, limits: config.appium });
  const phones: Phones = new Phones({
    ...own,
    providers: edge.providers,
    guards: new HostGuards(guardFolder(), { home: config.home, pid: process.pid }),
    needsDevice: (name) => publishers.of(name).publisher.needs.device,
    appTrouble: ({ name, policy }) => (publishers.of(name).publisher === publisher ? troubleOf(() => flows(policy.app)) : null),
  });
  return { stopAppium, guard, phones, publishers, stopAdb: edge.stop, removeForward: edge.removeForward };
}

/** What is wired after the publisher that needs it. */
interface Later {
  readonly flows: (app: string) => Flow;
  readonly phones: () => Phones;
  readonly ui: () => UiFactory;
}

function composeAppiumPublisher({ config, clock }: EdgesParts, later: Later) {
  return new AppiumPublisher({
    devices: (id, signal) => later.phones().connect(id, signal),
    ui: { open: (device, signal) => later.ui().open(device, signal) },
    flows: later.flows,
    engine: flowEngine,
    clock,
    settleMs: config.verify.settleMs,
  });
}
