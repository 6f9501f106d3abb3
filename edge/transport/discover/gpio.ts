/** GPIO chips, by libgpiod's gpiodetect. Which line a door hangs on cannot be known, so the entry is an example only. */
import { execFile } from 'node:child_process';
import { findProgram } from '../programs.ts';
import type { Finding, Look } from './finding.ts';

const TIMEOUT_MS = 3_000;

export async function lookAtGpio(run: () => Promise<string | undefined> = gpiodetect): Promise<Look> {
  const output = await run();
  if (output === undefined) {
    return { findings: [], problem: "GPIO chips: gpiodetect is not installed ('apt-get install gpiod')" };
  }
  return { findings: output.split('\n').flatMap(chip) };
}

/** `gpiochip0 [pinctrl-bcm2835] (54 lines)`, the same in 1.6 and 2.x. */
function chip(line: string): Finding[] {
  const [, name, label, lines] = /^(\S+) \[(.*)\] \((\d+) lines?\)$/.exec(line) ?? [];
  if (name === undefined) return [];
  const inputs = [{ line: 17, channel: 'door-1' }];
  return [
    {
      family: 'gpio',
      place: name,
      what: `GPIO chip ${label}, ${lines} lines`,
      certainty: 'hint',
      why: `only you know on which line a door contact is ('gpioinfo ${name}' lists them); an example`,
      entry: {
        name: 'doors',
        driver: 'gpio-contact',
        options: { chip: name, bias: 'pull-up', inputs },
        readsPackages: false,
      },
    },
  ];
}

async function gpiodetect(): Promise<string | undefined> {
  const path = await findProgram('gpiodetect');
  if (path === undefined) return undefined;
  return await new Promise((resolve) => {
    execFile(path, { timeout: TIMEOUT_MS }, (_error, stdout) => resolve(stdout));
  });
}
