/** A page of the hub in a real browser, and what all tests of pages look for: faults, overflow, contrast, what the keyboard reaches. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export class Pages {
  /** Script errors, console errors and requests to anywhere else, of the page opened last. */
  faults: string[] = [];
  readonly #browser: Browser;
  readonly #url: string;
  readonly #open: Page[] = [];

  constructor(browser: Browser, url: string) {
    this.#browser = browser;
    this.#url = url;
  }

  async open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
    this.#open.push(page);
    const faults: string[] = [];
    this.faults = faults;
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(this.#url) && !url.startsWith('data:')) faults.push(url);
    });
    await page.goto(`${this.#url}${path}`);
    return page;
  }

  async close(): Promise<void> {
    for (const page of this.#open.splice(0)) await page.close();
  }
}

export function text(page: Page, selector: string): Promise<string> {
  return page.locator(selector).first().innerText();
}

/** By how many pixels the page is wider than the window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}

const MOST_STOPS = 120;

/** Presses Tab until this has the focus, as somebody without a mouse. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  const stops: string[] = [];
  for (let presses = 0; presses < MOST_STOPS; presses++) {
    await page.keyboard.press('Tab');
    const reached = await page.evaluate(
      `(() => {
        const at = document.activeElement;
        return at.matches(${JSON.stringify(selector)}) ? '' : at.tagName + '#' + at.id + ' ' + at.textContent.slice(0, 20);
      })()`,
    );
    if (reached === '') return;
    stops.push(String(reached));
  }
  throw new Error(`Tab does not lead to ${selector}, but to:\n${stops.join('\n')}`);
}

/** Whether what has the focus can be seen to have it. */
export function focusIsVisible(page: Page): Promise<boolean> {
  return page.evaluate(`(() => {
    const at = document.activeElement;
    const style = getComputedStyle(at);
    return at !== document.body && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  })()`);
}

/** The lowest contrast (WCAG 2.2, 1.4.3) of a piece of text with the ground below it. */
export function worstContrast(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const over = (colour, ground) => {
      canvas.fillStyle = 'rgb(' + ground.join(',') + ')';
      canvas.fillRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
    const groundOf = (node) => {
      const ancestors = [];
      for (let at = node; at; at = at.parentElement) ancestors.unshift(at);
      return ancestors.reduce((ground, at) => over(getComputedStyle(at).backgroundColor, ground), [255, 255, 255]);
    };
    const contrasts = [...document.querySelectorAll('main *, header *')]
      .filter((node) => !node.closest('svg, .row.fresh') && node.checkVisibility() && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
      .map((node) => {
        const ground = groundOf(node);
        const [low, high] = [luminance(over(getComputedStyle(node).color, ground)), luminance(ground)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
      });
    return Math.min(...contrasts);
  })()`);
}
