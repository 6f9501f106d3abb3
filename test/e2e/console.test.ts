/**
 * The console for fleet engineers in a real browser, over a hub with 200 gateways of which 3 refuse one key and 2 are away: one story from
 * the filter to the acknowledged incident with the keyboard alone, and that every page fits a phone and a dark room.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../servers/chromium.ts';
import { describeWith } from '../servers/needs.ts';
import { focusIsVisible, overflow, Pages, tabTo, text, worstContrast } from './browser-page.ts';
import { REFUSING } from './console-data/gateways.ts';
import { FAILING, type SampleFleet, startSampleFleet } from './console-data/start.ts';

const WAIT = { timeout: 45_000 };
const HOSTILE = '<img src=x onerror="window.pwned=1">';

describeWith(['chromium'], 'the console', () => {
  let hub: SampleFleet;
  let browser: Browser;
  let pages: Pages;

  beforeAll(async () => {
    [hub, browser] = await Promise.all([startSampleFleet(), startChromium()]);
    pages = new Pages(browser, hub.url);
  });

  afterEach(() => pages.close());

  afterAll(async () => {
    await browser.close();
    await hub.close();
  });

  const eventually = (page: Page, selector: string) => expect.poll(() => text(page, selector), WAIT);
  const answer = async (page: Page, field: string, words: string, go: string) => {
    await tabTo(page, field);
    await page.keyboard.type(words);
    await tabTo(page, go);
    await page.keyboard.press('Enter');
  };
  /** Enter has led to another page, and that page listens. */
  const arrive = async (page: Page, path: RegExp) => {
    await page.waitForURL(path);
    await expect.poll(() => page.locator('.live[data-state="on"]').count(), WAIT).toBe(1);
  };
  /** Over what stands in the field that has the focus. */
  const overwrite = async (page: Page, words: string) => {
    await page.keyboard.press('Control+A');
    await page.keyboard.type(words);
  };

  it('is a whole day of a fleet engineer without a mouse', async () => {
    const page = await pages.open('/fleet');
    await eventually(page, '[data-count="all"] b').toBe('200');
    await eventually(page, '[data-count="offline"] b').toBe('2');

    // Find a gateway.
    await tabTo(page, '.skip');
    expect(await focusIsVisible(page)).toBe(true);
    await answer(page, '#q', 'van-00', '#label');
    await overwrite(page, 'type:van');
    await eventually(page, '#found').toBe('10 gateways');
    await expect.poll(() => new URL(page.url()).search, WAIT).toBe('?q=van-00&label=type%3Avan');
    await tabTo(page, `a[href="/fleet/gateways/${FAILING}"]`);
    await page.keyboard.press('Enter');
    await arrive(page, /\/fleet\/gateways\//);
    await expect.poll(() => page.locator('.chart canvas').count(), WAIT).toBe(3);
    await eventually(page, '#alerts').toContain('Temperature on vehicle VAN-007');
    await eventually(page, '#devices').toContain('no sensor answers on the bus');

    // Set limits for all of them.
    await tabTo(page, 'a[href="/fleet/profiles"]');
    await page.keyboard.press('Enter');
    await arrive(page, /\/fleet\/profiles$/);
    await tabTo(page, '#new');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Cold chain');
    await tabTo(page, 'dialog button[type="submit"]');
    await page.keyboard.press('Enter');
    await arrive(page, /\/fleet\/profiles\/cold-chain/);
    await tabTo(page, '#selector button');
    await page.keyboard.press('Enter');
    await page.keyboard.type('type');
    await page.keyboard.press('Tab');
    await page.keyboard.type('van, depot');
    await eventually(page, '#matching').toBe('fits 200 gateways');
    await tabTo(page, '#add-rule button');
    await page.keyboard.press('Enter');
    await overwrite(page, 'too-warm');
    const fieldOf = (label: string) => page.locator('.rule .field', { hasText: label }).locator('input').first();
    for (const [label, value] of [
      ['Device', 'cooler-1'],
      ['Not below', '0'],
      ['Not above', '6'],
      ['Clears when back inside by', '9'],
    ] as const) {
      await tabTo(page, `#${await fieldOf(label).getAttribute('id')}`);
      await overwrite(page, value);
    }

    // What is wrong stands at its field, with what would be right.
    await tabTo(page, '#try-go');
    await page.keyboard.press('Enter');
    await eventually(page, '.rule .field [aria-invalid="true"]').toBeDefined();
    expect(await fieldOf('Clears when back inside by').getAttribute('aria-invalid')).toBe('true');
    expect(await focusIsVisible(page)).toBe(true);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('0.5');

    // Before it is saved: how often it would have alarmed.
    await tabTo(page, '#try-go');
    await page.keyboard.press('Enter');
    await eventually(page, '.preview [data-id="too-warm"]').toMatch(/\d+ of \d+/);
    expect(Number(await text(page, '.preview [data-id="too-warm"] b'))).toBeGreaterThan(0);
    expect(await page.locator('.preview .bars rect').count()).toBeGreaterThanOrEqual(7);
    await tabTo(page, '#save');
    await page.keyboard.press('Enter');
    await eventually(page, 'dialog .trial').toMatch(/On the data of the last 7 days: \d+ alarms, all by too-warm\./);
    await answer(page, 'dialog textarea', 'summer', 'dialog button[type="submit"]');
    await eventually(page, '.told').toBe('Saved as version 1; no gateway has it yet');

    // Roll out, and watch.
    await tabTo(page, '#roll-out');
    await page.keyboard.press('Enter');
    await overwrite(page, '0');
    await answer(page, 'dialog textarea', 'before the heat', 'dialog button[type="submit"]');
    await arrive(page, /\/fleet\/rollouts\/cold-chain/);
    await eventually(page, '#counts').toBe('195 in force, 3 rejected, 2 offline');
    for (const id of REFUSING) {
      expect(await text(page, `[data-id="${id}"]`)).toMatch(
        /Rejected[\s\S]*rules\/too-warm there is no device cooler-1/,
      );
    }

    // Back again: done when the gateways say so.
    await tabTo(page, '#rollback');
    await page.keyboard.press('Enter');
    await answer(page, 'dialog textarea', 'three vans have other names', 'dialog button[type="submit"]');
    await eventually(page, '#state').toBe('Rolled back');
    await eventually(page, '#action').toMatch(/2 of 200 gateways have not confirmed yet/);

    // The van's cooler is one incident: take it on.
    await tabTo(page, 'a[href="/alerts"]');
    await page.keyboard.press('Enter');
    await arrive(page, /\/alerts$/);
    await tabTo(page, 'button[aria-label="Acknowledge: Temperature on vehicle VAN-007"]');
    await page.keyboard.press('Enter');
    await answer(page, 'dialog textarea', 'driver is told', 'dialog button[type="submit"]');
    await eventually(page, '.told').toContain('Acknowledged');
    await eventually(page, '[data-count="acknowledged"] b').toBe('1');
    await eventually(page, '#list').not.toContain('VAN-007');
    expect(pages.faults.filter(isNoRefusal)).toEqual([]);
  });

  it('shows an incident with the readings around its alerts, and takes notes and a silence', async () => {
    const page = await pages.open('/alerts?state=all');
    await page.getByRole('link', { name: 'Door on vehicle VAN-012' }).click();
    await eventually(page, '#title').toBe('Door on vehicle VAN-012');
    await page.getByLabel('New note').fill('the latch is worn');
    await page.getByRole('button', { name: 'Add note' }).click();
    await eventually(page, '#notes').toContain('the latch is worn');
    await eventually(page, '.told').toBe('Note added');
    await page.getByRole('button', { name: 'Silence …' }).click();
    expect(await page.locator('dialog').getByLabel('Vehicle').inputValue()).toBe('VAN-012');
    await page.locator('dialog').getByLabel('Reason').fill('in the workshop');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await eventually(page, '.told').toBe('Silenced');
    await page.goto(`${hub.url}/alerts/silences`);
    await eventually(page, '#list').toMatch(/vehicle VAN-012[\s\S]*Active[\s\S]*in the workshop/);
    await page.getByRole('button', { name: /End the silence/ }).click();
    await eventually(page, '#list').toContain('Nothing is silenced');
    expect(pages.faults).toEqual([]);
  });

  it('keeps what reaches whom, and says why something is refused', async () => {
    const page = await pages.open('/alerts/subscriptions');
    await page.getByRole('button', { name: 'New subscription' }).click();
    const dialog = page.locator('dialog');
    await dialog.getByLabel('Address').fill('night@depot.example');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await eventually(page, 'dialog [role="alert"]').toContain('sends no mail');
    await dialog.getByLabel('By').selectOption('webhook');
    await dialog.getByLabel('URL').fill('http://127.0.0.1:9/hook');
    await dialog.getByLabel('Secret').fill('sixteen characters');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await eventually(page, '#subscriptions').toContain('http://127.0.0.1:9/hook');
    await page.getByRole('button', { name: /^Test/ }).click();
    await eventually(page, '#deliveries').toMatch(/test delivery[\s\S]*Waiting/);
    expect(pages.faults.filter(isNoRefusal)).toEqual([]);
  });

  it('shows what changes while it happens, and never runs what a label holds', async () => {
    const page = await pages.open('/fleet?q=van-011');
    await eventually(page, '[data-id="van-011"]').toContain('Online');
    await hub.gateways.say('van-011', { online: false, labels: { note: HOSTILE } });
    await eventually(page, '[data-id="van-011"]').toContain('Offline');
    expect(await text(page, '[data-id="van-011"]')).toContain(HOSTILE);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    await page.goto(`${hub.url}/fleet/gateways/nobody`);
    await eventually(page, '#failure').toContain('No gateway “nobody” has been heard.');
  });

  it('fits a phone, in light and dark', async () => {
    const incident = await firstIncident(hub.url);
    const fleet = [
      '/fleet',
      `/fleet/gateways/${FAILING}`,
      '/fleet/profiles/new-one',
      '/fleet/rollouts',
      '/fleet/history',
    ];
    for (const path of [...fleet, '/alerts?state=all', incident, '/alerts/silences', '/alerts/subscriptions']) {
      const page = await pages.open(path, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
      await expect.poll(() => page.locator('.live[data-state="on"]').count(), WAIT).toBe(1);
      const content = page.locator('main:not([hidden]) :is(td, .empty, .note, .chart)');
      await expect.poll(() => content.count(), WAIT).toBeGreaterThan(0);
      expect(await overflow(page), `${path} is wider than the window`).toBeLessThanOrEqual(0);
      expect(await worstContrast(page), `${path} in the dark`).toBeGreaterThanOrEqual(4.5);
      await page.emulateMedia({ colorScheme: 'light' });
      expect(await worstContrast(page), path).toBeGreaterThanOrEqual(4.5);
      await page.close();
    }
  });
});

/** What the hub refuses the browser notes too: a profile that is not there yet, a draft that is wrong. */
function isNoRefusal(fault: string): boolean {
  return !/status of (404|409|422)/.test(fault);
}

async function firstIncident(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/incidents?limit=1`);
  const { items } = (await response.json()) as { items: { incidentId: string }[] };
  return `/alerts/incidents/${items[0]?.incidentId}`;
}
