/** The web pages in a real browser: what a person sees, and that nothing on a label becomes markup or leaves the machine. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../servers/chromium.ts';
import { describeWith } from '../servers/needs.ts';
import { overflow, Pages, text, worstContrast } from './browser-page.ts';
import { DELIVERED_ID, HOSTILE_ID, MOVING_ID } from './web-data/seed.ts';
import { type SampleHub, startSampleHub } from './web-data/start.ts';

const packagePage = (packageId: string) => `/packages/${encodeURIComponent(packageId)}`;

describeWith(['chromium'], 'the web pages', () => {
  let hub: SampleHub;
  let browser: Browser;
  let pages: Pages;

  beforeAll(async () => {
    [hub, browser] = await Promise.all([startSampleHub(), startChromium()]);
    pages = new Pages(browser, hub.url);
  });

  afterEach(async () => {
    await pages.close();
  });

  afterAll(async () => {
    await browser.close();
    await hub.close();
  });

  const countOf = async (page: Page, status: string) => Number(await text(page, `.count[data-status="${status}"] b`));

  it('shows packages moving through their stages while it happens', async () => {
    const page = await pages.open('/');
    await expect.poll(() => text(page, '#live')).toContain('Live');
    await expect.poll(() => page.locator('#packages .row').count()).toBeGreaterThan(20);
    await expect.poll(() => countOf(page, 'INDUCTED')).toBeGreaterThan(0);
    const before = await countOf(page, 'INDUCTED');
    expect(await page.locator('#alerts .alert').count()).toBe(2);

    const first = hub.network.nextEvent('sscc:009999999999999991', 0, Date.now());
    if (!first) throw new Error('a journey has a first step');
    hub.changes.publish(await hub.network.project([first]));
    const top = page.locator('#packages .row').first();
    await expect.poll(() => top.innerText()).toContain('009999999999999991');
    expect(await top.innerText()).toContain('Inducted');
    await expect.poll(() => countOf(page, 'INDUCTED')).toBe(before + 1);

    const second = hub.network.nextEvent('sscc:009999999999999991', 1, Date.now());
    if (!second) throw new Error('a journey has a second step');
    hub.changes.publish(await hub.network.project([second]));
    await expect.poll(() => top.innerText()).toContain('In facility');
    expect(await page.locator('#packages .row', { hasText: '009999999999999991' }).count()).toBe(1);
    expect(pages.faults).toEqual([]);
  });

  it('filters by stage and finds a package by the number on its label', async () => {
    const page = await pages.open('/');
    await page.locator('.count[data-status="EXCEPTION"]').click();
    await expect.poll(() => page.locator('#packages .row').count()).toBe(1);
    expect(await text(page, '#packages .row')).toContain('1Z999AA10123456784');
    await page.locator('#filter button').click();
    await expect.poll(() => page.locator('#packages .row').count()).toBeGreaterThan(20);

    await page.locator('#query').fill('1z999aa10199999991');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${hub.url}${packagePage(DELIVERED_ID)}`);
    expect(pages.faults).toEqual([]);
  });

  it("shows a package's timeline, last position, curves and alerts", async () => {
    const page = await pages.open(packagePage(DELIVERED_ID));
    await expect.poll(() => page.locator('.event').count()).toBe(8);
    expect(await text(page, '.event')).toMatch(/\d\d:\d\d:\d\d[\s\S]*Delivered[\s\S]*VAN-7[\s\S]*handheld-7/);
    expect(await text(page, '#status')).toBe('Delivered');
    expect(await text(page, '#names')).toContain('sgtin:4012345678901.7');
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(3);
    expect(await text(page, '.chart[data-quantity="temperature"] figcaption')).toMatch(/to \d+(\.\d)? °C/);
    expect(await text(page, '.chart[data-quantity="shock"] figcaption')).toMatch(/impacts, hardest [\d.]+ g/);
    expect(await page.locator('.map .facility').count()).toBe(2);
    expect((await page.locator('.map .track').getAttribute('d'))?.length).toBeGreaterThan(100);
    expect(await text(page, '#position-note')).toContain('from its last scan');
    expect(await text(page, '#alerts')).toContain('8.2 °C is above 8 °C');
    expect(await hasInk(page)).toBe(true);
    expect(pages.faults).toEqual([]);
  });

  it('follows a package that is on its way', async () => {
    const page = await pages.open(packagePage(MOVING_ID));
    await expect.poll(() => text(page, '#status')).toBe('Out for delivery');
    await expect.poll(() => text(page, '#position-note')).toContain('from its vehicle');
    const delivery = hub.network.nextEvent(MOVING_ID, 7, Date.now());
    if (!delivery) throw new Error('a journey has a last step');
    hub.changes.publish(await hub.network.project([delivery]));
    await expect.poll(() => text(page, '#status')).toBe('Delivered');
    await expect.poll(() => page.locator('.event').count()).toBe(8);
    expect(pages.faults).toEqual([]);
  });

  it('shows what a bar code holds and never runs it', async () => {
    const page = await pages.open(packagePage(HOSTILE_ID));
    await expect.poll(() => text(page, '#package-id')).toBe(HOSTILE_ID);
    await page.goto(hub.url);
    await expect.poll(() => page.locator('.row', { hasText: '<img src=x' }).count()).toBe(1);
    await page.locator('.row', { hasText: '<img src=x' }).locator('a').click();
    await expect.poll(() => text(page, '#package-id')).toBe(HOSTILE_ID);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(pages.faults).toEqual([]);
  });

  it('says that a package is not known', async () => {
    const page = await pages.open('/packages/%3Cb%3Enobody');
    await expect.poll(() => text(page, '#failure')).toContain('No package “<b>nobody” has been seen.');
  });

  it.each([
    ['a phone', { viewport: { width: 360, height: 740 } }],
    ['a dark room', { colorScheme: 'dark' }],
  ] as const)('fits %s', async (_, options) => {
    for (const path of ['/', packagePage(DELIVERED_ID), packagePage(HOSTILE_ID)]) {
      const page = await pages.open(path, options);
      await expect.poll(() => page.locator('.row, .event').count()).toBeGreaterThan(1);
      if (path !== '/') await expect.poll(() => page.locator('.chart canvas').count()).toBeGreaterThan(0);
      expect(await overflow(page), `${path} is wider than the window`).toBeLessThanOrEqual(0);
      expect(await worstContrast(page), path).toBeGreaterThanOrEqual(4.5);
      expect(pages.faults).toEqual([]);
    }
  });

  it('can be used with the keyboard alone', async () => {
    const page = await pages.open('/');
    await expect.poll(() => page.locator('#packages .row').count()).toBeGreaterThan(20);
    const reached = new Set<string>();
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press('Tab');
      reached.add(
        String(
          await page.evaluate(
            "document.activeElement.className || document.activeElement.id || document.activeElement.closest('.row')?.className",
          ),
        ),
      );
    }
    for (const stop of ['skip', 'brand', 'query', 'count', 'row']) expect([...reached].join(' ')).toContain(stop);
  });
});

/** Something was drawn in the first chart, beyond its ground. */
function hasInk(page: Page): Promise<boolean> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('.chart canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) colours.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]);
    return colours.size > 50;
  })()`);
}
