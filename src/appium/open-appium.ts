/** The Appium of a configuration: one of our own that is kept alive, or one elsewhere (`appium: {url: …}`) that is only waited for. */
import type { AppiumServer } from './appium.ts';
import { ExternalAppium } from './external-server.ts';
import { AppiumProcess, type AppiumProcessOptions } from './server-process.ts';

/** @param options `url` null = ours */
export function openAppium(options: AppiumProcessOptions & { readonly url: string | null }): AppiumServer {
  const { url } = options;
  return url === null ? new AppiumProcess(options) : new ExternalAppium({ ...options, url });
}
