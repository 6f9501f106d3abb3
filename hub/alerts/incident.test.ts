import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { incidentsOf } from './incident.ts';
import { keyOf } from './incident-store.ts';
import { coolerAlert, minute } from './sample-alerts.test-support.ts';
import { type Spell, spellsOf } from './spells.ts';
import { causeOf, subjectOf, titleOf } from './subject.ts';

const incidents = (...messages: AlertMessage[]) => {
  const alertIds = [...new Set(messages.map(({ alertId }) => alertId))];
  return incidentsOf(alertIds.flatMap((id) => spellsOf(messages.filter(({ alertId }) => alertId === id))));
};

describe('an alert stands', () => {
  const spell = (...messages: AlertMessage[]) =>
    spellsOf(messages).map(({ beganAt, endedAt, retracted, value, severity }) => ({
      from: beganAt,
      to: endedAt,
      retracted,
      value,
      severity,
    }));

  it('from its raise to its end, each time anew', () => {
    expect(
      spell(
        coolerAlert('a', 'cleared', 5),
        coolerAlert('a', 'raised', 60),
        coolerAlert('a', 'raised', 0),
        coolerAlert('a', 'raised', 0),
      ),
    ).toMatchObject([
      { from: minute(0), to: minute(5), retracted: false },
      { from: minute(60), to: undefined },
    ]);
  });

  it('with its newest value and its highest severity while it is raised again', () => {
    const again = coolerAlert('a', 'raised', 2, { value: 12, severity: 'critical' });
    const third = coolerAlert('a', 'raised', 3, { value: 10, severity: 'info' });
    expect(spell(coolerAlert('a', 'raised', 0), again, third)).toEqual([
      { from: minute(0), to: undefined, retracted: false, value: 10, severity: 'critical' },
    ]);
  });

  it('not at all where only an end is known, and not for certain where it was retracted', () => {
    expect(spell(coolerAlert('a', 'cleared', 5))).toEqual([]);
    expect(
      spell(coolerAlert('a', 'raised', 0), coolerAlert('a', 'cleared', 5), coolerAlert('a', 'retracted', 9)),
    ).toMatchObject([{ from: minute(0), to: minute(5), retracted: true }]);
  });
});

describe('what belongs together', () => {
  it.each<[string, Partial<AlertMessage>, string, string]>([
    ['a vehicle', {}, 'vehicle/VAN-7', 'Temperature on vehicle VAN-7'],
    [
      'a read point',
      { location: { facilityId: 'HUB-A', readPoint: 'dock-4' } },
      'facility/HUB-A/dock-4',
      'Temperature at HUB-A, dock-4',
    ],
    ['a facility', { location: { facilityId: 'HUB-A' } }, 'facility/HUB-A', 'Temperature at HUB-A'],
    [
      'a gateway',
      { location: {}, ruleId: 'device-health', quantity: 'port-lost' },
      'gateway/gw-van-7',
      'Devices of gateway gw-van-7',
    ],
    ['a rule of its own', { quantity: 'engineRpm', ruleId: 'idling' }, 'vehicle/VAN-7', 'Rule idling on vehicle VAN-7'],
  ])('%s', (_, rest, subject, title) => {
    const alert = coolerAlert('a', 'raised', 0, rest);
    expect(subjectOf(alert)).toBe(subject);
    expect(titleOf(subject, causeOf(alert))).toBe(title);
  });

  it('a failed cooler: four hundred alerts of many sensors and rules are one incident', () => {
    const storm = Array.from({ length: 400 }, (_, index) =>
      coolerAlert(`a-${index}`, 'raised', index / 10, { deviceId: `cooler-${index % 8}`, ruleId: `rule-${index % 3}` }),
    );
    const [one, ...others] = incidents(...storm);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ count: 400, open: true, openedAt: minute(0), title: 'Temperature on vehicle VAN-7' });
    expect(one?.alertIds).toHaveLength(100);
  });

  it('less than ten minutes of quiet: the same incident, opened again; more: another', () => {
    const found = incidents(
      coolerAlert('a', 'raised', 0),
      coolerAlert('a', 'cleared', 5),
      coolerAlert('b', 'raised', 15),
      coolerAlert('b', 'cleared', 20),
      coolerAlert('c', 'raised', 31),
    );
    expect(found).toMatchObject([
      { alertIds: ['a', 'b'], reopened: 1, reopenedAt: minute(15), open: false, clearedAt: minute(20) },
      { alertIds: ['c'], reopened: 0, open: true },
    ]);
  });

  it('a retracted alert leaves the incident and is shown; without others the incident is withdrawn', () => {
    const [one] = incidents(
      coolerAlert('a', 'raised', 0, { severity: 'critical' }),
      coolerAlert('b', 'raised', 1),
      coolerAlert('a', 'retracted', 2),
    );
    expect(one).toMatchObject({ alertIds: ['b'], retracted: ['a'], severity: 'warning', open: true, count: 1 });
    const [gone] = incidents(coolerAlert('a', 'raised', 0), coolerAlert('a', 'retracted', 2));
    expect(gone).toMatchObject({ alertIds: [], retracted: ['a'], withdrawn: true, open: false, count: 0 });
    expect(gone?.incidentId).toBe(one?.incidentId);
  });
});

it('incidents of one key never overlap in time, and hold every alert once', () => {
  const spell = fc
    .record({
      alert: fc.integer({ min: 0, max: 5 }),
      from: fc.integer({ min: 0, max: 200 }),
      length: fc.option(fc.nat(30)),
    })
    .map(({ alert, from, length }): Spell[] =>
      spellsOf([
        coolerAlert(`${alert}-${from}`, 'raised', from),
        ...(length === null ? [] : [coolerAlert(`${alert}-${from}`, 'cleared', from + length)]),
      ]),
    );
  fc.assert(
    fc.property(fc.array(spell, { maxLength: 12 }), (several) => {
      const unique = [...new Map(several.flat().map((each) => [each.alertId, each])).values()];
      const found = incidentsOf(unique);
      expect(found.flatMap(({ alertIds }) => alertIds).sort()).toEqual(unique.map(({ alertId }) => alertId).sort());
      for (const [index, each] of found.entries()) {
        const next = found[index + 1];
        if (next) expect(Date.parse(next.openedAt)).toBeGreaterThan(Date.parse(each.endedAt ?? 'never') + 600_000);
        expect(keyOf(each)).toBe('temperature vehicle/VAN-7');
      }
    }),
    { seed: 5, numRuns: 150 },
  );
});
