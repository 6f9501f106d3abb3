import { beforeEach, describe, expect, it } from 'vitest';
import { inventoryRoSpec, type Parameter, type ParameterOf } from '../../protocols/llrp/index.ts';
import { RoSpecs } from './ro-specs.ts';

const rospec = (roSpecId: number, start: 'immediate' | 'command' = 'immediate'): ParameterOf<'ROSpec'> =>
  inventoryRoSpec({ roSpecId, antennaIds: [1, 2], start, reportEveryTags: 1 });

/** The same ROSpec with one of its parameters changed, at any depth. */
function changed(spec: ParameterOf<'ROSpec'>, name: string, fields: object): Parameter {
  const change = (parameter: Parameter): Parameter => {
    const own = parameter.name === name ? { ...parameter, ...fields } : parameter;
    return 'parameters' in own ? ({ ...own, parameters: own.parameters.map(change) } as Parameter) : own;
  };
  return change(spec);
}

describe('ROSpecs', () => {
  let happened: string[];
  let roSpecs: RoSpecs;
  const states = () => roSpecs.describe().map((spec) => (spec.name === 'ROSpec' ? spec.currentState : -1));

  beforeEach(() => {
    happened = [];
    roSpecs = new RoSpecs(2, {
      started: ({ id }) => happened.push(`start ${id}`),
      ended: ({ id }) => happened.push(`end ${id}`),
      aiSpecEnded: ({ id, specIndex }) => happened.push(`spec ${id}/${specIndex + 1}`),
    });
  });

  it('goes disabled → inactive → active with an immediate start trigger', () => {
    roSpecs.add([rospec(1)]);
    expect(states()).toEqual([0]);
    roSpecs.enable(1, 0);
    expect(states()).toEqual([2]);
    roSpecs.disable(1);
    expect(states()).toEqual([0]);
    expect(happened).toEqual(['start 1', 'spec 1/1', 'end 1']);
  });

  it('waits for START_ROSPEC with a null start trigger', () => {
    roSpecs.add([rospec(1, 'command')]);
    expect(() => roSpecs.start(1, 0)).toThrow('disabled');
    roSpecs.enable(1, 0);
    expect(states()).toEqual([1]);
    roSpecs.start(1, 0);
    expect(states()).toEqual([2]);
    roSpecs.stop(1);
    expect(states()).toEqual([1]);
  });

  it('ends by its own duration and starts again', () => {
    roSpecs.add([changed(rospec(1), 'ROSpecStopTrigger', { triggerType: 1, durationMs: 500 })]);
    roSpecs.enable(1, 0);
    roSpecs.advance(499_000);
    expect(happened).toEqual(['start 1']);
    roSpecs.advance(500_000);
    expect(happened).toEqual(['start 1', 'spec 1/1', 'end 1', 'start 1']);
  });

  it('starts by period', () => {
    const periodic = {
      triggerType: 2,
      parameters: [{ name: 'PeriodicTriggerValue', offsetMs: 100, periodMs: 1000, parameters: [] }],
    };
    const spec = changed(rospec(1), 'ROSpecStartTrigger', periodic) as ParameterOf<'ROSpec'>;
    roSpecs.add([changed(spec, 'AISpecStopTrigger', { triggerType: 1, durationMs: 200 })]);
    roSpecs.enable(1, 0);
    for (let ms = 0; ms <= 1500; ms += 100) roSpecs.advance(ms * 1000);
    expect(happened).toEqual(['start 1', 'spec 1/1', 'end 1', 'start 1', 'spec 1/1', 'end 1']);
  });

  it('ends an AISpec when enough tags were seen', () => {
    const observation = { triggerType: 0, numberOfTags: 2, numberOfAttempts: 0, tMs: 0, timeoutMs: 10_000 };
    const stop = { triggerType: 3, parameters: [{ name: 'TagObservationTrigger', ...observation }] };
    roSpecs.add([changed(rospec(1), 'AISpecStopTrigger', stop)]);
    roSpecs.enable(1, 0);
    const [active] = roSpecs.active;
    if (!active) throw new Error('the ROSpec did not start');
    roSpecs.observed(active, ['aa', 'aa'], 100_000);
    roSpecs.advance(100_000);
    expect(happened).toEqual(['start 1']);
    roSpecs.observed(active, ['bb'], 200_000);
    roSpecs.advance(200_000);
    expect(happened).toEqual(['start 1', 'spec 1/1', 'end 1', 'start 1']);
  });

  it('0 stands for all', () => {
    roSpecs.add([rospec(1)]);
    roSpecs.add([rospec(2)]);
    roSpecs.enable(0, 0);
    expect(roSpecs.active.map(({ id }) => id)).toEqual([1, 2]);
    roSpecs.delete(0);
    expect(roSpecs.describe()).toEqual([]);
  });

  it.each<[string, () => Parameter[]]>([
    ['no ROSpec', () => []],
    ['id 0', () => [rospec(0)]],
    ['an active state', () => [{ ...rospec(1), currentState: 2 }]],
    ['an antenna that is not there', () => [changed(rospec(1), 'AISpec', { antennaIds: [3] })]],
    ['a GPI trigger', () => [changed(rospec(1), 'ROSpecStartTrigger', { triggerType: 3 })]],
    ['no boundary', () => [{ ...rospec(1), parameters: rospec(1).parameters.slice(1) }]],
    ['no AISpec', () => [{ ...rospec(1), parameters: rospec(1).parameters.slice(0, 1) }]],
    ['a report trigger of LLRP 1.1', () => [changed(rospec(1), 'ROReportSpec', { trigger: 5 })]],
    [
      'a power index above the table',
      () => [
        inventoryRoSpec({
          roSpecId: 1,
          antennaIds: [1],
          start: 'command',
          reportEveryTags: 1,
          transmitPowerIndex: 200,
        }),
      ],
    ],
  ])('refuses a ROSpec with %s', (_what, parameters) => {
    expect(() => roSpecs.add(parameters())).toThrow(expect.objectContaining({ name: 'Refusal' }));
    expect(roSpecs.describe()).toEqual([]);
  });

  it('refuses a second ROSpec of the same id, and what names none', () => {
    roSpecs.add([rospec(1)]);
    expect(() => roSpecs.add([rospec(1)])).toThrow('exists');
    expect(() => roSpecs.enable(2, 0)).toThrow('no ROSpec 2');
  });
});
