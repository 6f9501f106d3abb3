/** What all charts have in common: axes, colours of the page's own style, the width of their place, a redraw when either changes. */
import { formatNumber, formatTick } from './format.js';

export const HEIGHT = 190;
const AXIS_WIDTH = 62;

export const TIME_SERIES = { label: 'Time', value: (_plot, value) => (value === null ? '–' : formatTick(value, 1)) };

/** A value in the legend. */
export const valueIn = (unit) => (_plot, value) =>
  value === null || value === undefined ? '–' : `${formatNumber(value)} ${unit}`;

export function timeAxis() {
  return axis({
    size: 34,
    space: 64,
    values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => formatTick(tick, step)),
  });
}

export function valueAxis(unit) {
  return axis({
    size: AXIS_WIDTH,
    values: (_plot, ticks) => ticks.map((tick) => `${formatNumber(tick)}${unit === '%' ? '' : ' '}${unit}`),
  });
}

function axis(more) {
  return {
    stroke: () => color('--ink-soft'),
    grid: { stroke: () => color('--line'), width: 1 },
    ticks: { stroke: () => color('--line'), width: 1, size: 5 },
    font: '12px system-ui, sans-serif',
    ...more,
  };
}

/** Keeps a map of charts `{ plot, body }` as wide as their place, in the colours of day or night. */
export function keepDrawn(charts) {
  addEventListener('resize', () => {
    for (const chart of charts.values()) chart.plot?.setSize({ width: widthOf(chart), height: chart.plot.height });
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const { plot } of charts.values()) plot?.redraw(false, true);
  });
}

/** Draws on the canvas, within the frame of the chart. */
export function clipped({ ctx, bbox }, draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, devicePixelRatio);
  ctx.restore();
}

/** A dashed line across the chart; to be called within `clipped`. */
export function limitLine({ ctx, bbox, valToPos }, limit, stroke = '--bad') {
  const y = valToPos(limit, 'y', true);
  ctx.strokeStyle = color(stroke);
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
}

export function widthOf({ body }) {
  return Math.max(200, Math.floor(body.getBoundingClientRect().width));
}

export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
