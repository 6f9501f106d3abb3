/** Curves of a gateway's sensors, one chart for each device and quantity, with the bands in which no rule raises drawn in. */
import { get } from '../api.js';
import { element, setText } from '../dom.js';
import { formatNumber } from '../format.js';
import {
  clipped,
  color,
  HEIGHT,
  keepDrawn,
  limitLine,
  TIME_SERIES,
  timeAxis,
  valueAxis,
  valueIn,
  widthOf,
} from '../plot.js';
import uPlot from '../uplot.js';
import { quantityName, unitOf } from './rule-kinds.js';

const POINTS = 400;
/** More charts than a person looks at are not asked for. */
const MAX_CHARTS = 12;

const charts = new Map();
keepDrawn(charts);

/** @param {{ container: HTMLElement, gatewayId: string, devices: { id: string, quantities: string[] }[], spanMs: number }} what */
export async function showCurves({ container, gatewayId, devices, spanMs }) {
  const wanted = devices.flatMap(({ id, quantities }) => quantities.map((quantity) => ({ device: id, quantity })));
  const shown = wanted.slice(0, MAX_CHARTS);
  const names = new Set(shown.map(nameOf));
  for (const [name, chart] of charts) {
    if (names.has(name)) continue;
    chart.plot?.destroy();
    chart.figure.remove();
    charts.delete(name);
  }
  container.querySelector(':scope > .empty')?.remove();
  if (shown.length === 0) {
    container.append(element('p', { class: 'empty' }, 'No sensor of this gateway has been told of yet.'));
    return;
  }
  for (const one of shown) if (!charts.has(nameOf(one))) charts.set(nameOf(one), create(container, one));
  const to = Date.now();
  await Promise.all(
    shown.map(async ({ device, quantity }) => {
      const chart = charts.get(nameOf({ device, quantity }));
      const path = `/v1/fleet/gateways/${encodeURIComponent(gatewayId)}/series`;
      const times = { from: new Date(to - spanMs).toISOString(), to: new Date(to).toISOString() };
      const answer = await get(path, { device, quantity, ...times, points: POINTS }).catch((error) => ({ error }));
      if (charts.get(nameOf({ device, quantity })) === chart) draw(chart, { ...answer, from: to - spanMs, to });
    }),
  );
}

/** A small curve of the readings around an alert: `{ points, bands, unit }`. */
export function smallCurve({ points, bands, quantity, label }) {
  const body = element('div', { class: 'chart-body' });
  const summary = element('figcaption', { class: 'note' });
  const figure = element('figure', { class: 'chart small', role: 'group' }, element('h3', {}, label), summary, body);
  const chart = { figure, body, summary, label, quantity, height: 130, plot: undefined };
  charts.set(figure, chart);
  const times = points.map(({ at }) => timeOf(at));
  // Its width is known when it stands in the page.
  requestAnimationFrame(() => draw(chart, { points, bands, from: Math.min(...times), to: Math.max(...times) }));
  return figure;
}

function create(container, { device, quantity }) {
  const label = `${device} · ${quantityName(quantity)}`;
  const summary = element('figcaption', { class: 'note' }, 'Loading …');
  const body = element('div', { class: 'chart-body reserved' });
  const figure = element(
    'figure',
    { class: 'chart', role: 'group', 'data-device': device, 'data-quantity': quantity },
    element('h3', {}, label),
    summary,
    body,
  );
  container.append(figure);
  return { figure, body, summary, label, quantity, height: HEIGHT, plot: undefined };
}

function draw(chart, { points = [], bands = [], from, to, error }) {
  const { quantity, body, figure } = chart;
  const unit = unitOf(quantity);
  setText(chart.summary, error ? `No curve: ${error.message}` : summaryOf(points, bands, unit));
  figure.setAttribute('aria-label', `${chart.label}: ${chart.summary.textContent}`);
  if (error) return;
  chart.context = { bands, from: from / 1000, to: to / 1000 };
  const data = [points.map(({ at }) => timeOf(at) / 1000), points.map(({ value }) => value)];
  if (chart.plot) chart.plot.setData(data);
  else chart.plot = new uPlot(optionsOf(chart, unit), data, body);
}

function optionsOf(chart, unit) {
  return {
    width: widthOf(chart),
    height: chart.height,
    cursor: { drag: { x: true, y: false }, points: { size: 7 } },
    legend: { show: chart.height === HEIGHT, live: true },
    scales: {
      x: { time: true, range: () => [chart.context.from, chart.context.to] },
      y: { range: (_plot, low, high) => rangeOf(low, high, chart.context.bands) },
    },
    axes: [timeAxis(), valueAxis(unit)],
    series: [
      TIME_SERIES,
      {
        label: quantityName(chart.quantity),
        stroke: () => color('--series-1'),
        width: 1.75,
        points: { size: 4 },
        value: valueIn(unit),
      },
    ],
    hooks: {
      drawClear: [(plot) => shadeBands(plot, chart.context.bands)],
      draw: [(plot) => drawBands(plot, chart.context.bands)],
    },
  };
}

/** All limits that a value of this size is near to are in the picture; one that is far away would flatten the curve. */
function rangeOf(low, high, bands) {
  const [least, most] = [low ?? 0, high ?? 1];
  const reach = Math.max(most - least, 1) * 6;
  const near = limitsOf(bands).filter((limit) => limit > least - reach && limit < most + reach);
  const values = [least, most, ...near];
  const [from, to] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((to - from) * 0.15, 0.5);
  return [from - margin, to + margin];
}

function shadeBands(plot, bands) {
  clipped(plot, (ctx, { left, top, width, height }) => {
    for (const { low, high } of bands.filter(isInForce)) {
      ctx.fillStyle = color('--alert-band');
      if (high !== undefined) {
        const y = plot.valToPos(high, 'y', true);
        if (y > top) ctx.fillRect(left, top, width, y - top);
      }
      if (low !== undefined) {
        const y = plot.valToPos(low, 'y', true);
        if (y < top + height) ctx.fillRect(left, y, width, top + height - y);
      }
    }
  });
}

function drawBands(plot, bands) {
  clipped(plot, (ctx, { left, width }, scale) => {
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.textAlign = 'right';
    for (const band of bands) {
      const { ruleId, low, high, severity } = band;
      const stroke = !isInForce(band) ? '--ink-soft' : severity === 'critical' ? '--bad' : '--warn';
      for (const [limit, baseline] of [
        [high, 'bottom'],
        [low, 'top'],
      ]) {
        if (limit === undefined) continue;
        limitLine(plot, limit, stroke);
        ctx.fillStyle = color(stroke);
        ctx.textBaseline = baseline;
        const y = plot.valToPos(limit, 'y', true) + (baseline === 'top' ? 3 : -3) * scale;
        if (ruleId) ctx.fillText(nameOfBand(band), left + width - 5 * scale, y);
      }
    }
  });
}

function summaryOf(points, bands, unit) {
  const values = points.map(({ value }) => value).filter((value) => value !== null);
  if (values.length === 0) return 'nothing measured in this time';
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))].map(
    formatNumber,
  );
  const limits = bands.map((band) => bandText(band, unit)).join('; ');
  return [`${formatNumber(values.at(-1))} ${unit} at last, ${low} to ${high} ${unit}`, limits]
    .filter(Boolean)
    .join(' · ');
}

function bandText(band, unit) {
  const { ruleId, low, high } = band;
  const limits = [
    low !== undefined && `not below ${formatNumber(low)} ${unit}`,
    high !== undefined && `not above ${formatNumber(high)} ${unit}`,
  ];
  return [ruleId && `${nameOfBand(band)}:`, limits.filter(Boolean).join(', ')].filter(Boolean).join(' ');
}

/** Desired, and not taken yet: drawn, so that it can be compared, but nothing alarms by it. */
const isInForce = ({ inForce }) => inForce !== false;
const nameOfBand = (band) => (isInForce(band) ? band.ruleId : `${band.ruleId}, not in force`);
const limitsOf = (bands) => bands.flatMap(({ low, high }) => [low, high]).filter((limit) => limit !== undefined);
const nameOf = ({ device, quantity }) => `${device}\n${quantity}`;
const timeOf = (at) => (typeof at === 'number' ? at : Date.parse(at));
