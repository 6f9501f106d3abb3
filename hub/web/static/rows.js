/** Pieces that both pages show: lines of packages and of alerts. */
import { packagePath } from './api.js';
import { element } from './dom.js';
import { age, eventLabel, formatDayTime, formatNumber, placeLabel, STAGES, statusChip, statusLabel } from './format.js';

/** A line of the list of packages. */
export function packageRow(summary) {
  const { packageId, status, lastEvent, lastAt, conflictCount } = summary;
  return element(
    'li',
    { class: 'row', 'data-id': packageId, 'data-version': summary.version },
    element(
      'a',
      { href: packagePath(packageId) },
      element(
        'span',
        { class: 'cell id' },
        idParts(packageId),
        conflictCount > 0 && element('span', { class: 'flag', title: 'has contradictions' }, '⚠'),
      ),
      element('span', { class: 'cell' }, statusChip(status)),
      element('span', { class: 'cell' }, progress(status)),
      element(
        'span',
        { class: 'cell where' },
        element('span', {}, placeLabel(lastEvent.location)),
        element('small', {}, `${eventLabel(lastEvent)} · ${lastEvent.source.deviceId}`),
      ),
      element('span', { class: 'cell seen' }, age(lastAt)),
    ),
  );
}

/** The scheme of an id smaller than the number, which is what people look for. */
export function idParts(packageId) {
  const at = packageId.indexOf(':');
  if (at <= 0) return [packageId];
  return [element('span', { class: 'scheme' }, packageId.slice(0, at + 1)), packageId.slice(at + 1)];
}

function progress(status) {
  const at = STAGES.indexOf(status);
  const dots = STAGES.map((stage, index) =>
    element('i', { class: index < at ? 'past' : index === at ? 'now' : '', title: statusLabel(stage) }),
  );
  return element('span', { class: 'progress', 'data-status': status, 'aria-hidden': true }, dots);
}

/** A line of a list of alerts. */
export function alertRow(alert) {
  const { alertId, state, severity, message, location, deviceId, gatewayId, raisedAt, endedAt, clearedValue } = alert;
  const open = state === 'raised';
  return element(
    'li',
    { class: 'alert', 'data-id': alertId, 'data-severity': severity, 'data-state': state },
    element('p', { class: 'alert-text' }, message),
    element(
      'p',
      { class: 'note' },
      [placeLabel({ facilityId: gatewayId, ...location }), deviceId].filter(Boolean).join(' · '),
    ),
    element(
      'p',
      { class: 'note' },
      open
        ? ['open since ', age(raisedAt ?? endedAt)]
        : [
            raisedAt ? `${formatDayTime(raisedAt)} – ` : '',
            `${state} ${formatDayTime(endedAt)}`,
            clearedValue !== undefined && ` at ${formatNumber(clearedValue)}`,
          ],
    ),
  );
}
