/** Curves of the sensors a package travelled with, one chart per quantity over one time axis, its stays shaded. */

import { element } from './dom.js';
import { formatNumber, placeLabel } from './format.js';
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
} from './plot.js';
import uPlot from './uplot.js';

const QUANTITIES = {
  temperature: { title: 'Temperature', field: 'temperatureCelsius', minSpan: 4 },
  humidity: { title: 'Relative humidity', field: 'relativeHumidityPercent', minSpan: 10 },
  shock: { title: 'Shock', field: 'peakG', minSpan: 2 },
};
/** Narrower stays have no room for their name. */
const MIN_LABEL_PX = 54;

const charts = new Map();
const sync = uPlot.sync('journey');
keepDrawn(charts);

export function drawCharts({ container, note, journey, alerts }) {
  const measured = Object.keys(QUANTITIES).filter((quantity) =>
    journey.curves.some((curve) => curve.quantity === quantity),
  );
  note.textContent = noteOf(journey, measured);
  for (const [quantity, chart] of charts) if (!measured.includes(quantity)) drop(quantity, chart);
  if (measured.length === 0) {
    container.replaceChildren(element('p', { class: 'empty' }, 'No sensor was near this package.'));
    return;
  }
  container.querySelector('.empty')?.remove();
  for (const quantity of measured) drawChart({ container, quantity, journey, alerts });
}

function drawChart({ container, quantity, journey, alerts }) {
  const curves = journey.curves.filter((curve) => curve.quantity === quantity);
  const devices = [...new Set(curves.map(deviceOf))];
  const data = alignedData(curves, devices);
  const chart = charts.get(quantity) ?? create(container, quantity);
  const limits = alerts.filter((alert) => alert.quantity === QUANTITIES[quantity].field);
  chart.context = { journey, limits };
  chart.summary.textContent = summaryOf(curves);
  chart.figure.setAttribute('aria-label', `${QUANTITIES[quantity].title}: ${chart.summary.textContent}`);
  if (chart.devices === devices.join('\n') && chart.plot) {
    chart.plot.setData(data);
    return;
  }
  chart.plot?.destroy();
  chart.devices = devices.join('\n');
  chart.plot = new uPlot(optionsOf({ quantity, unit: curves[0].unit, curves, devices, chart }), data, chart.body);
}

function create(container, quantity) {
  const summary = element('figcaption', { class: 'note' });
  const body = element('div', { class: 'chart-body' });
  const figure = element(
    'figure',
    { class: 'chart', 'data-quantity': quantity, role: 'group' },
    element('h3', {}, QUANTITIES[quantity].title),
    summary,
    body,
  );
  container.append(figure);
  const chart = { figure, body, summary, devices: '', plot: undefined, context: undefined };
  charts.set(quantity, chart);
  return chart;
}

function drop(quantity, chart) {
  chart.plot?.destroy();
  chart.figure.remove();
  charts.delete(quantity);
}

/** One column of times and one of values per device; a gap where the package was elsewhere. */
function alignedData(curves, devices) {
  const columns = devices.map((device) => {
    const times = [];
    const values = [];
    for (const curve of curves.filter((one) => deviceOf(one) === device)) {
      if (times.length > 0) {
        times.push(times.at(-1) + 0.001, Date.parse(curve.points[0][0]) / 1000 - 0.001);
        values.push(null, null);
      }
      for (const [at, value] of curve.points) {
        times.push(Date.parse(at) / 1000);
        values.push(value);
      }
    }
    return ascending(times, values);
  });
  return columns.length === 1
    ? columns[0]
    : uPlot.join(
        columns,
        columns.map(() => [2, 2]),
      );
}

/** Stays of one device may touch: keeps times strictly ascending, as the chart needs them. */
function ascending(times, values) {
  const order = times.map((_, index) => index).sort((a, b) => times[a] - times[b]);
  const kept = order.filter((index, at) => at === 0 || times[index] > times[order[at - 1]]);
  return [kept.map((index) => times[index]), kept.map((index) => values[index])];
}

function optionsOf({ quantity, unit, curves, devices, chart }) {
  const isShock = quantity === 'shock';
  return {
    width: widthOf(chart),
    height: HEIGHT,
    cursor: { sync: { key: sync.key }, drag: { x: true, y: false }, points: { size: 7 } },
    legend: { live: true },
    scales: {
      x: { time: true, range: () => xRange(chart) },
      y: {
        range: (_plot, low, high) =>
          yRange({ low, high, isShock, minSpan: QUANTITIES[quantity].minSpan, limits: chart.context.limits }),
      },
    },
    axes: [timeAxis(), valueAxis(unit)],
    series: [
      TIME_SERIES,
      ...devices.map((device, index) => ({
        label: labelOf(curves.find((curve) => deviceOf(curve) === device)),
        stroke: () => color(`--series-${(index % 6) + 1}`),
        fill: isShock ? () => color(`--series-${(index % 6) + 1}`) : undefined,
        width: isShock ? 0 : 1.75,
        paths: isShock ? uPlot.paths.bars({ size: [0.3, 4, 3] }) : undefined,
        points: { show: isShock ? false : undefined, size: 4 },
        value: valueIn(unit),
      })),
    ],
    hooks: { drawClear: [(plot) => shadeStays(plot, chart)], draw: [(plot) => drawLimits(plot, chart)] },
  };
}

/** All charts show the time that the package was on its way. */
function xRange({ context: { journey } }) {
  const [first, last] = [journey.stays[0]?.from ?? journey.from, journey.stays.at(-1)?.to ?? journey.to].map(
    (at) => Date.parse(at) / 1000,
  );
  const margin = Math.max(1, (last - first) * 0.01);
  return [first - margin, last + margin];
}

function yRange({ low, high, isShock, minSpan, limits }) {
  const values = [low, high, ...limits.map(({ limit }) => limit)].filter(Number.isFinite);
  const [least, most] = [isShock ? 0 : Math.min(...values), Math.max(...values)];
  const span = Math.max(minSpan, most - least);
  return isShock ? [0, span * 1.15] : [least - span * 0.12, most + Math.max(span * 0.18, minSpan - (most - least))];
}

/** Every other stay on a darker ground, with the name of its place where there is room. */
function shadeStays(plot, { context: { journey } }) {
  clipped(plot, (ctx, bbox, scale) => {
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    for (const [index, { place, from, to }] of journey.stays.entries()) {
      const [left, right] = [from, to].map((at) => plot.valToPos(Date.parse(at) / 1000, 'x', true));
      ctx.fillStyle = color(place.vehicleId ? '--stay-vehicle' : index % 2 === 0 ? '--stay' : '--stay-other');
      ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
      if (right - left < MIN_LABEL_PX * scale) continue;
      ctx.fillStyle = color('--ink-soft');
      ctx.fillText(fitted(ctx, placeLabel(place), right - left - 10 * scale), left + 5 * scale, bbox.top + 4 * scale);
    }
  });
}

function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && ctx.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

/** The limits that alerts were about, and when they were broken. */
function drawLimits(plot, { context: { limits } }) {
  clipped(plot, (ctx, bbox, scale) => {
    for (const { raisedAt, endedAt } of limits) {
      if (raisedAt === undefined) continue;
      const left = plot.valToPos(Date.parse(raisedAt) / 1000, 'x', true);
      const right =
        endedAt === undefined ? bbox.left + bbox.width : plot.valToPos(Date.parse(endedAt) / 1000, 'x', true);
      ctx.fillStyle = color('--alert-band');
      ctx.fillRect(left, bbox.top, Math.max(2 * scale, right - left), bbox.height);
    }
    for (const limit of new Set(limits.map((alert) => alert.limit))) limitLine(plot, limit);
  });
}

function deviceOf({ gatewayId, deviceId }) {
  return `${gatewayId}/${deviceId}`;
}

function labelOf({ deviceId, place }) {
  return `${deviceId} · ${place.vehicleId ?? place.facilityId ?? place.readPoint ?? 'unknown place'}`;
}

function summaryOf(curves) {
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value));
  const { unit } = curves[0];
  const far = curves.some(({ near }) => near === 'facility') ? ' · partly measured elsewhere in the facility' : '';
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))].map(
    formatNumber,
  );
  return curves[0].quantity === 'shock'
    ? `${values.length} ${values.length === 1 ? 'impact' : 'impacts'}, hardest ${high} ${unit}${far}`
    : `${low} to ${high} ${unit}${far}`;
}

function noteOf({ stays, truncated }, measured) {
  if (measured.length === 0) return '';
  const places = `sensors of ${stays.length} ${stays.length === 1 ? 'place' : 'places'} it was at`;
  return truncated ? `${places}; not all are shown` : places;
}
