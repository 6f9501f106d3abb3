/**
 * The reader's ROSpecs and their states: disabled → inactive → active (LLRP 1.0.1, clauses 6.3 and 11).
 *
 * They outlive connections. An operation on ROSpec 0 means all of them; one on an id that does not exist is refused.
 * An immediate start trigger fires whenever the ROSpec becomes inactive, so a ROSpec that ends by its own duration
 * starts again; a null start trigger waits for START_ROSPEC.
 */
import {
  filterParameters,
  findParameter,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  ROSPEC_STATE,
  START_TRIGGER,
  STATUS_CODE,
  STOP_TRIGGER,
} from '../../protocols/llrp/index.ts';
import { MAX_ROSPECS } from './capabilities.ts';
import { checkAntennaConfiguration } from './config.ts';
import { Refusal } from './status.ts';

const { disabled: DISABLED, inactive: INACTIVE, active: ACTIVE } = ROSPEC_STATE;
/** TagObservationTrigger.triggerType; LLRP 1.0.1, clause 11.2.2.1.1.1. */
const OBSERVE_N_TAGS = 0;
const OBSERVE_NO_MORE_TAGS = 1;
const OBSERVE_ATTEMPTS = 2;

export interface RoSpec {
  readonly id: number;
  readonly definition: ParameterOf<'ROSpec'>;
  readonly aiSpecs: readonly ParameterOf<'AISpec'>[];
  state: typeof DISABLED | typeof INACTIVE | typeof ACTIVE;
  /** When a periodic start trigger fires next. */
  nextStartUs: number;
  startedUs: number;
  /** The AISpec that runs, and what its stop trigger looks at. */
  specIndex: number;
  specStartedUs: number;
  attempts: number;
  tagsSeen: Set<string>;
  lastNewTagUs: number;
}

export interface RoSpecEvents {
  started(roSpec: RoSpec): void;
  ended(roSpec: RoSpec): void;
  aiSpecEnded(roSpec: RoSpec): void;
}

export class RoSpecs {
  readonly #specs = new Map<number, RoSpec>();
  readonly #antennas: number;
  readonly #events: RoSpecEvents;

  constructor(antennas: number, events: RoSpecEvents) {
    this.#antennas = antennas;
    this.#events = events;
  }

  get active(): RoSpec[] {
    return [...this.#specs.values()].filter((spec) => spec.state === ACTIVE);
  }

  /** @throws Refusal */
  add(parameters: readonly Parameter[]): void {
    const [definition, ...more] = filterParameters(parameters, 'ROSpec');
    if (definition === undefined) throw new Refusal(STATUS_CODE.M_MissingParameter, 'ADD_ROSPEC holds no ROSpec');
    if (more.length > 0) throw new Refusal(STATUS_CODE.M_DuplicateParameter, 'ADD_ROSPEC holds more than one ROSpec');
    const id = definition.roSpecId;
    if (id === 0) throw new Refusal(STATUS_CODE.M_FieldError, 'ROSpec 0 stands for all of them: choose another id');
    if (this.#specs.has(id)) throw new Refusal(STATUS_CODE.M_FieldError, `ROSpec ${id} exists already`);
    if (this.#specs.size >= MAX_ROSPECS) {
      throw new Refusal(STATUS_CODE.M_OverflowParameter, `the reader keeps at most ${MAX_ROSPECS} ROSpecs`);
    }
    if (definition.currentState !== DISABLED) {
      throw new Refusal(STATUS_CODE.M_FieldError, `ROSpec ${id} must be added as disabled`);
    }
    this.#specs.set(id, {
      id,
      definition,
      aiSpecs: checkedAiSpecs(definition, this.#antennas),
      state: DISABLED,
      nextStartUs: 0,
      startedUs: 0,
      specIndex: 0,
      specStartedUs: 0,
      attempts: 0,
      tagsSeen: new Set(),
      lastNewTagUs: 0,
    });
  }

  delete(id: number): void {
    for (const spec of this.#select(id)) {
      this.#end(spec, DISABLED);
      this.#specs.delete(spec.id);
    }
  }

  enable(id: number, nowUs: number): void {
    for (const spec of this.#select(id)) if (spec.state === DISABLED) this.#becomeInactive(spec, nowUs);
  }

  disable(id: number): void {
    for (const spec of this.#select(id)) this.#end(spec, DISABLED);
  }

  start(id: number, nowUs: number): void {
    for (const spec of this.#select(id)) {
      if (spec.state === DISABLED) throw new Refusal(STATUS_CODE.M_FieldError, `ROSpec ${spec.id} is disabled`);
      if (spec.state === INACTIVE) this.#start(spec, nowUs);
    }
  }

  /** Back to inactive, and it stays there even with an immediate start trigger: the client wanted it stopped. */
  stop(id: number): void {
    for (const spec of this.#select(id)) if (spec.state === ACTIVE) this.#end(spec, INACTIVE);
  }

  describe(): Parameter[] {
    return [...this.#specs.values()].map((spec) => ({ ...spec.definition, currentState: spec.state }));
  }

  /** Start and stop triggers that fire by time. Called once a round, ahead of it. */
  advance(nowUs: number): void {
    for (const spec of this.#specs.values()) {
      if (spec.state === INACTIVE && startTriggerOf(spec) === START_TRIGGER.periodic && nowUs >= spec.nextStartUs) {
        this.#start(spec, nowUs);
      }
      if (spec.state !== ACTIVE) continue;
      const stop = findParameter(boundaryOf(spec.definition), 'ROSpecStopTrigger');
      if (stop?.triggerType === STOP_TRIGGER.duration && nowUs - spec.startedUs >= stop.durationMs * 1000) {
        this.#end(spec, INACTIVE);
        this.#becomeInactive(spec, nowUs);
        continue;
      }
      if (aiSpecIsOver(spec, nowUs)) this.#nextAiSpec(spec, nowUs);
    }
  }

  /** One round saw these tags. */
  observed(spec: RoSpec, epcs: Iterable<string>, nowUs: number): void {
    spec.attempts++;
    for (const epc of epcs) {
      if (spec.tagsSeen.has(epc)) continue;
      spec.tagsSeen.add(epc);
      spec.lastNewTagUs = nowUs;
    }
  }

  #select(id: number): RoSpec[] {
    if (id === 0) return [...this.#specs.values()];
    const spec = this.#specs.get(id);
    if (spec === undefined) throw new Refusal(STATUS_CODE.M_FieldError, `there is no ROSpec ${id}`);
    return [spec];
  }

  #becomeInactive(spec: RoSpec, nowUs: number): void {
    spec.state = INACTIVE;
    const trigger = startTriggerOf(spec);
    if (trigger === START_TRIGGER.immediate) this.#start(spec, nowUs);
    if (trigger !== START_TRIGGER.periodic) return;
    const periodic = periodicOf(spec);
    const delayMs = spec.nextStartUs === 0 ? (periodic?.offsetMs ?? 0) : (periodic?.periodMs ?? 0);
    spec.nextStartUs = nowUs + delayMs * 1000;
  }

  #start(spec: RoSpec, nowUs: number): void {
    spec.state = ACTIVE;
    spec.startedUs = nowUs;
    spec.specIndex = 0;
    beginAiSpec(spec, nowUs);
    this.#events.started(spec);
  }

  #end(spec: RoSpec, state: typeof DISABLED | typeof INACTIVE): void {
    const wasActive = spec.state === ACTIVE;
    spec.state = state;
    if (!wasActive) return;
    this.#events.aiSpecEnded(spec);
    this.#events.ended(spec);
  }

  #nextAiSpec(spec: RoSpec, nowUs: number): void {
    if (spec.specIndex + 1 >= spec.aiSpecs.length) {
      this.#end(spec, INACTIVE);
      this.#becomeInactive(spec, nowUs);
      return;
    }
    this.#events.aiSpecEnded(spec);
    spec.specIndex++;
    beginAiSpec(spec, nowUs);
  }
}

function beginAiSpec(spec: RoSpec, nowUs: number): void {
  spec.specStartedUs = nowUs;
  spec.attempts = 0;
  spec.tagsSeen = new Set();
  spec.lastNewTagUs = nowUs;
}

function aiSpecIsOver(spec: RoSpec, nowUs: number): boolean {
  const stop = findParameter(spec.aiSpecs[spec.specIndex]?.parameters ?? [], 'AISpecStopTrigger');
  const sinceMs = (nowUs - spec.specStartedUs) / 1000;
  if (stop?.triggerType === STOP_TRIGGER.duration) return sinceMs >= stop.durationMs;
  if (stop?.triggerType !== STOP_TRIGGER.tagObservation) return false;
  const observation = findParameter(stop.parameters, 'TagObservationTrigger');
  if (observation === undefined) return false;
  if (observation.timeoutMs > 0 && sinceMs >= observation.timeoutMs) return true;
  if (observation.triggerType === OBSERVE_N_TAGS) return spec.tagsSeen.size >= observation.numberOfTags;
  if (observation.triggerType === OBSERVE_NO_MORE_TAGS) return (nowUs - spec.lastNewTagUs) / 1000 >= observation.tMs;
  return observation.triggerType === OBSERVE_ATTEMPTS && spec.attempts >= observation.numberOfAttempts;
}

function checkedAiSpecs(definition: ParameterOf<'ROSpec'>, antennas: number): ParameterOf<'AISpec'>[] {
  const boundary = boundaryOf(definition);
  const start = findParameter(boundary, 'ROSpecStartTrigger');
  const stop = findParameter(boundary, 'ROSpecStopTrigger');
  if (start === undefined || stop === undefined) {
    throw new Refusal(STATUS_CODE.M_MissingParameter, 'a ROSpec needs a ROBoundarySpec with start and stop trigger');
  }
  if (start.triggerType > START_TRIGGER.periodic || stop.triggerType > STOP_TRIGGER.duration) {
    throw new Refusal(STATUS_CODE.M_FieldError, 'the reader has no general purpose inputs to be triggered by');
  }
  if (start.triggerType === START_TRIGGER.periodic && !findParameter(start.parameters, 'PeriodicTriggerValue')) {
    throw new Refusal(STATUS_CODE.M_MissingParameter, 'a periodic start trigger needs a PeriodicTriggerValue');
  }
  if (findParameter(definition.parameters, 'RFSurveySpec')) {
    throw new Refusal(STATUS_CODE.M_UnsupportedParameter, 'the reader does no RF surveys');
  }
  const report = findParameter(definition.parameters, 'ROReportSpec');
  if (report && report.trigger > REPORT_TRIGGER.nTagsOrEndOfRoSpec) {
    throw new Refusal(STATUS_CODE.M_FieldError, `report trigger ${report.trigger} is not one of LLRP 1.0.1`);
  }
  const aiSpecs = filterParameters(definition.parameters, 'AISpec');
  if (aiSpecs.length === 0) throw new Refusal(STATUS_CODE.M_MissingParameter, 'a ROSpec needs an AISpec');
  for (const { antennaIds, parameters } of aiSpecs) {
    const wrong = antennaIds.find((antenna) => antenna > antennas);
    if (wrong !== undefined) throw new Refusal(STATUS_CODE.M_FieldError, `AISpec: there is no antenna ${wrong}`);
    const inventory = filterParameters(parameters, 'InventoryParameterSpec');
    if (inventory.length === 0) {
      throw new Refusal(STATUS_CODE.M_MissingParameter, 'an AISpec needs an InventoryParameterSpec');
    }
    for (const configuration of inventory.flatMap((spec) =>
      filterParameters(spec.parameters, 'AntennaConfiguration'),
    )) {
      checkAntennaConfiguration(configuration, antennas);
    }
  }
  return aiSpecs;
}

function boundaryOf(definition: ParameterOf<'ROSpec'>): readonly Parameter[] {
  return findParameter(definition.parameters, 'ROBoundarySpec')?.parameters ?? [];
}

function startTriggerOf(spec: RoSpec): number {
  return findParameter(boundaryOf(spec.definition), 'ROSpecStartTrigger')?.triggerType ?? START_TRIGGER.none;
}

function periodicOf(spec: RoSpec): ParameterOf<'PeriodicTriggerValue'> | undefined {
  const start = findParameter(boundaryOf(spec.definition), 'ROSpecStartTrigger');
  return start && findParameter(start.parameters, 'PeriodicTriggerValue');
}
