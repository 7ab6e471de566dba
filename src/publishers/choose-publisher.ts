/** Which publisher an account posts with: its own, else that of the configuration. Each is loaded once. */
import { loadModulePublisher } from './module-publisher.ts';
import type { ChosenPublisher, Publisher } from './publisher.ts';

type Configured =
  | { readonly kind: 'appium' }
  | { readonly kind: 'module'; readonly path: string; readonly options: Readonly<Record<string, unknown>> };

export interface PublisherChoice {
  readonly of: (account: string) => ChosenPublisher;
  /** Some account needs Appium. */
  readonly needAppium: boolean;
  /** Some account needs a phone. */
  readonly needDevice: boolean;
}

export interface PublisherQuestion {
  readonly general: Configured;
  readonly accounts: readonly { readonly name: string; readonly publisher: Configured | null }[];
  readonly appium: Publisher;
}

/** @throws SchedulerError BAD_PUBLISHER */
export async function choosePublishers({ general, accounts, appium }: PublisherQuestion): Promise<PublisherChoice> {
  const load = async (chosen: Configured): Promise<ChosenPublisher> =>
    chosen.kind === 'appium'
      ? { publisher: appium, options: {} }
      : { publisher: await loadModulePublisher(chosen), options: chosen.options };
  const usual = await load(general);
  const own = new Map<string, ChosenPublisher>();
  for (const { name, publisher } of accounts) if (publisher !== null) own.set(name, await load(publisher));
  const needs = [usual, ...own.values()].map(({ publisher }) => publisher.needs);
  const [needAppium, needDevice] = [needs.some(({ appium: needed }) => needed), needs.some(({ device }) => device)];
  // Appium works on phones: whoever needs the one needs the other.
  return { of: (account) => own.get(account) ?? usual, needAppium, needDevice: needDevice || needAppium };
}
