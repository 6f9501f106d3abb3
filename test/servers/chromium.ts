/** Headless Chromium for tests of the web pages, driven through playwright-core. */
import { type Browser, chromium } from 'playwright-core';
import { program } from './machine.ts';

/** The caller closes it; it dies with this process in any case. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: program('chromium'),
    args: [
      // Chromium's sandbox needs user namespaces, which root and many containers do not have.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-dev-shm-usage',
      // It must not look for anything outside this machine.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
