/** Values as people read them. Times are shown in the reader's own zone; their title has UTC. */
import { element } from './dom.js';

/** The stages in the order in which a package goes through them; the others are off the way. */
export const STAGES = ['INDUCTED', 'IN_FACILITY', 'LOADED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED'];
export const OFF_WAY = ['DELIVERY_ATTEMPTED', 'RETURNED', 'EXCEPTION'];

const LABELS = {
  INDUCTED: 'Inducted',
  IN_FACILITY: 'In facility',
  LOADED: 'Loaded',
  IN_TRANSIT: 'In transit',
  OUT_FOR_DELIVERY: 'Out for delivery',
  DELIVERED: 'Delivered',
  DELIVERY_ATTEMPTED: 'Delivery attempted',
  RETURNED: 'Returned',
  EXCEPTION: 'Exception',
};

const SCANS = {
  INDUCTION: 'Inducted',
  ARRIVAL: 'Arrived',
  SORT: 'Sorted',
  LOAD: 'Loaded',
  UNLOAD: 'Unloaded',
  DEPARTURE: 'Departed',
  OUT_FOR_DELIVERY: 'Out for delivery',
  DELIVERY: 'Delivered',
  RETURN: 'Sent back',
  INVENTORY: 'Seen in place',
};

const EVENTS = {
  VEHICLE_DEPARTED: 'Vehicle departed',
  VEHICLE_ARRIVED: 'Vehicle arrived',
  DELIVERY_ATTEMPTED: 'Delivery attempted',
  EXCEPTION_OCCURRED: 'Exception',
  TAG_DEPARTED: 'Left the antenna',
};

export function statusLabel(status) {
  return LABELS[status] ?? words(status);
}

export function eventLabel({ eventType, scanType }) {
  return EVENTS[eventType] ?? SCANS[scanType] ?? words(scanType);
}

export function statusChip(status) {
  return element('span', { class: 'chip', 'data-status': status }, statusLabel(status));
}

export function placeLabel({ facilityId, vehicleId, readPoint } = {}) {
  return [facilityId ?? vehicleId, readPoint].filter(Boolean).join(' · ') || 'unknown place';
}

// Those who move parcels count to 24.
const hourCycle = 'h23';
const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle,
});
const minuteTime = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle });
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayTime = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle,
});
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export const formatClock = (iso) => clockTime.format(new Date(iso));
export const formatDayTime = (iso) => dayTime.format(new Date(iso));
export const formatShortDay = (at) => shortDay.format(new Date(at));
export const formatDay = (iso) => day.format(new Date(iso));

/** A time on an axis, in seconds since 1970, as exact as the step between ticks asks for. */
export function formatTick(seconds, step) {
  const date = new Date(seconds * 1000);
  if (step >= 86_400) return shortDay.format(date);
  return (step >= 60 ? minuteTime : clockTime).format(date);
}

/** `<time>` that says how long ago; refreshAges keeps it true. */
export function age(iso) {
  return element('time', { class: 'age', datetime: iso, title: iso }, ageText(iso, Date.now()));
}

export function refreshAges(root = document) {
  const now = Date.now();
  for (const node of root.querySelectorAll('time.age')) {
    const text = ageText(node.dateTime, now);
    if (node.textContent !== text) node.textContent = text;
  }
}

function ageText(iso, now) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 5) return 'just now';
  return `${duration(seconds * 1000)} ago`;
}

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.round((seconds % 3600) / 60)];
  if (hours < 48) return minutes > 0 && hours < 10 ? `${hours} h ${minutes} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

/** A number with as many digits as a sensor means. */
export function formatNumber(value) {
  return Number(value).toLocaleString(undefined, { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
}

function words(constant) {
  const text = String(constant).toLowerCase().replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
