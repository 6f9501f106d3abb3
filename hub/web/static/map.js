/**
 * The way of a package as a drawing: no tiles, nothing from elsewhere. Equirectangular around the middle latitude, which over
 * the distances of a delivery is as good as any projection.
 */
import { svg } from './dom.js';
import { formatClock, formatDayTime, placeLabel } from './format.js';

const WIDTH = 560;
const HEIGHT = 320;
const MARGIN = 44;
/** A single point is shown with this much around it. */
const MIN_SPAN_M = 400;
const METERS_PER_DEGREE = 111_320;

export function drawMap({ container, note, tracks, events, position }) {
  const places = placesOf(events);
  const points = [
    ...tracks.flatMap((track) => track.points.map(([, latitude, longitude]) => ({ latitude, longitude }))),
    ...places,
    ...(position ? [position] : []),
  ];
  if (points.length === 0) {
    note.textContent = '';
    container.replaceChildren(
      Object.assign(document.createElement('p'), {
        className: 'empty',
        textContent: 'Nothing on its way has told a position yet.',
      }),
    );
    return;
  }
  const project = projection(points);
  note.textContent = position
    ? `${position.latitude.toFixed(5)}, ${position.longitude.toFixed(5)} · ${position.source === 'vehicle' ? 'from its vehicle' : 'from its last scan'} at ${formatDayTime(position.at)}`
    : '';
  const path = tracks.map(({ points: way }) => lineOf(way, project)).join('');
  container.replaceChildren(
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': describe(places, position) },
      grid(project),
      path && svg('path', { class: 'track', d: path }),
      ...places.map((place) => placeMark(place, project)),
      position && here(position, project),
      scaleBar(project),
    ),
  );
}

function lineOf(way, project) {
  return way
    .map(
      ([, latitude, longitude], index) =>
        `${index === 0 ? 'M' : 'L'}${project.point({ latitude, longitude }).join(' ')}`,
    )
    .join('');
}

/** Where it was scanned, each place once, with the time of its first scan there. */
function placesOf(events) {
  const places = new Map();
  for (const { location, occurredAt } of events) {
    if (location.latitude === undefined || location.longitude === undefined) continue;
    // A vehicle is somewhere else each time.
    const key =
      location.facilityId ?? `${location.vehicleId} ${location.latitude.toFixed(4)} ${location.longitude.toFixed(4)}`;
    if (!places.has(key))
      places.set(key, { ...location, at: occurredAt, isFacility: location.facilityId !== undefined });
  }
  return [...places.values()];
}

function projection(points) {
  const latitudes = points.map(({ latitude }) => latitude);
  const longitudes = points.map(({ longitude }) => longitude);
  const middle = { latitude: mid(latitudes), longitude: mid(longitudes) };
  const eastM = METERS_PER_DEGREE * Math.cos((middle.latitude * Math.PI) / 180);
  const spanX = Math.max(MIN_SPAN_M, (Math.max(...longitudes) - Math.min(...longitudes)) * eastM);
  const spanY = Math.max(MIN_SPAN_M, (Math.max(...latitudes) - Math.min(...latitudes)) * METERS_PER_DEGREE);
  const pixelsPerM = Math.min((WIDTH - 2 * MARGIN) / spanX, (HEIGHT - 2 * MARGIN) / spanY);
  return {
    pixelsPerM,
    point: ({ latitude, longitude }) => [
      round(WIDTH / 2 + (longitude - middle.longitude) * eastM * pixelsPerM),
      round(HEIGHT / 2 - (latitude - middle.latitude) * METERS_PER_DEGREE * pixelsPerM),
    ],
  };
}

function grid({ pixelsPerM }) {
  const step = niceMeters(90 / pixelsPerM) * pixelsPerM;
  const lines = [];
  for (let x = (WIDTH / 2) % step; x < WIDTH; x += step) lines.push(`M${round(x)} 0V${HEIGHT}`);
  for (let y = (HEIGHT / 2) % step; y < HEIGHT; y += step) lines.push(`M0 ${round(y)}H${WIDTH}`);
  return svg('path', { class: 'grid', d: lines.join('') });
}

function placeMark(place, project) {
  const [x, y] = project.point(place);
  const left = x > WIDTH * 0.62;
  return svg(
    'g',
    { class: place.isFacility ? 'place facility' : 'place' },
    svg('title', {}, `${placeLabel(place)}, ${formatDayTime(place.at)}`),
    place.isFacility
      ? svg('rect', { x: x - 6, y: y - 6, width: 12, height: 12, rx: 3 })
      : svg('circle', { cx: x, cy: y, r: 4 }),
    place.isFacility &&
      svg(
        'text',
        { x: left ? x - 11 : x + 11, y: y + 4, 'text-anchor': left ? 'end' : 'start' },
        `${short(place.facilityId)} ${formatClock(place.at).slice(0, 5)}`,
      ),
  );
}

function here(position, project) {
  const [x, y] = project.point(position);
  return svg(
    'g',
    { class: 'here' },
    svg('title', {}, 'last position'),
    svg('circle', { class: 'halo', cx: x, cy: y, r: 16 }),
    svg('circle', { cx: x, cy: y, r: 6 }),
  );
}

function scaleBar({ pixelsPerM }) {
  const meters = niceMeters(90 / pixelsPerM);
  const length = round(meters * pixelsPerM);
  const label = meters >= 1000 ? `${meters / 1000} km` : `${meters} m`;
  return svg(
    'g',
    { class: 'scale' },
    svg('path', { d: `M14 ${HEIGHT - 20}v6h${length}v-6` }),
    svg('text', { x: 14 + length / 2, y: HEIGHT - 21, 'text-anchor': 'middle' }, label),
    svg('path', { d: `M${WIDTH - 22} 36V16m-5 7l5-7l5 7` }),
    svg('text', { x: WIDTH - 22, y: 48, 'text-anchor': 'middle' }, 'N'),
  );
}

function describe(places, position) {
  const facilities = places.filter(({ isFacility }) => isFacility).map(placeLabel);
  const last = position
    ? `last position ${position.latitude.toFixed(4)}, ${position.longitude.toFixed(4)}`
    : 'no position';
  return `Map of the way: ${[...facilities, last].join(', ')}`;
}

/** 1, 2 or 5 times a power of ten, the largest that is not above. */
function niceMeters(meters) {
  const power = 10 ** Math.floor(Math.log10(meters));
  return ([5, 2, 1].find((factor) => factor * power <= meters) ?? 1) * power;
}

const mid = (values) => (Math.min(...values) + Math.max(...values)) / 2;
const round = (value) => Math.round(value * 10) / 10;
const short = (text) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);
