/**
 * The event log as Kafka behaves, in memory: partitioned, durable, in order; appends that fail, and appends that are durable though they
 * are reported as failed; consumer groups whose partitions move between processes; transactions that carry outputs, state and offsets,
 * that abort, and whose outcome may stay unknown to the process; processes that were taken for dead and are fenced when they come back.
 */
import {
  type EventLog,
  EventLogError,
  type LogRecord,
  type StoredRecord,
  TOPICS,
  type TransformOptions,
} from '../../hub/log/event-log.ts';
import { partitionOfKey } from '../../hub/log/partitioner.ts';
import { START_WALL_MS } from './clock.ts';
import { LogMember } from './log-member.ts';
import type { Mutation } from './mutations.ts';
import type { SimProcess, World } from './world.ts';

export interface LogFaults {
  /** Shares of appends and commits that fail, and of those that succeed and are reported as failed. */
  failure: number;
  ambiguity: number;
  /** Nothing answers but with an error. */
  away: boolean;
  maxLatencyMs: number;
}

export const CALM_LOG: LogFaults = { failure: 0, ambiguity: 0, away: false, maxLatencyMs: 12 };

export interface LogWitness {
  /** A record of a topic is durable. */
  logged(record: StoredRecord): void;
  /** A transaction has taken effect. */
  committed(group: string, records: readonly StoredRecord[]): void;
  /** Something hindered a group in doing its work. */
  disturbed(group: string): void;
}

interface Group {
  members: LogMember[];
  /** Partition → the member that has it, and since which assignment. */
  owners: Map<number, { member: LogMember; generation: number }>;
  offsets: Map<number, number>;
  generation: number;
}

/** A member that does not answer for so long has left. */
const SESSION_MS = 2_500;

export class SimLog {
  faults: LogFaults = CALM_LOG;
  readonly world: World;
  readonly random: () => number;
  readonly mutation: Mutation | undefined;
  readonly witness: LogWitness;
  readonly partitions: number;
  readonly #topics = new Map<string, StoredRecord[][]>();
  /** Of compacted topics: the last value of each key. */
  readonly #compacted = new Map<number, Map<string, Buffer>>();
  readonly #groups = new Map<string, Group>();

  constructor(options: { world: World; partitions: number; mutation: Mutation | undefined; witness: LogWitness }) {
    this.world = options.world;
    this.random = options.world.random('log');
    this.partitions = options.partitions;
    this.mutation = options.mutation;
    this.witness = options.witness;
  }

  /** The port, for one hub process. */
  mount(process: SimProcess): EventLog {
    return {
      append: (records: readonly LogRecord[]) => this.#append(records, process),
      transform: async (options: TransformOptions) => {
        const member = new LogMember(this, options, process);
        this.join(options.group, member);
        return {
          stop: async () => this.leave(options.group, member),
          lag: () => this.lag(options.group),
          fault: () => undefined,
        };
      },
    } as Partial<EventLog> as EventLog;
  }

  records(topic: string): StoredRecord[][] {
    let partitions = this.#topics.get(topic);
    if (!partitions) {
      partitions = Array.from({ length: this.partitions }, () => []);
      this.#topics.set(topic, partitions);
    }
    return partitions;
  }

  state(partition: number): ReadonlyMap<string, Buffer> {
    return this.mutation === 'state-forgotten' ? new Map() : new Map(this.#compacted.get(partition));
  }

  lag(group: string): number {
    const { offsets } = this.#group(group);
    return this.records(TOPICS.uplink).reduce(
      (sum, records, partition) => sum + records.length - (offsets.get(partition) ?? 0),
      0,
    );
  }

  committed(group: string, partition: number): number {
    return this.#group(group).offsets.get(partition) ?? 0;
  }

  isOwner(group: string, partition: number, of: { member: LogMember; generation: number }): boolean {
    const owner = this.#group(group).owners.get(partition);
    return owner?.member === of.member && owner.generation === of.generation;
  }

  /** Everything that is asked of the log takes time, and may be refused. */
  async answered(process: SimProcess, what: string): Promise<'done' | 'unknown'> {
    const { world, random } = this;
    await world.sleep(0.5 + random() * this.faults.maxLatencyMs, process);
    if (this.faults.away) {
      await world.sleep(200 + random() * 800, process);
      throw unavailable(`${what}: simulated outage`);
    }
    if (random() < this.faults.failure) throw unavailable(`${what}: simulated failure`);
    return random() < this.faults.ambiguity ? 'unknown' : 'done';
  }

  /** One transaction takes effect, whole. */
  commit(work: { group: string; outputs: readonly LogRecord[]; offsets: ReadonlyMap<number, number> }): void {
    const group = this.#group(work.group);
    const stored = work.outputs.map((output) => this.#store(output));
    for (const [partition, offset] of work.offsets) group.offsets.set(partition, offset);
    this.witness.committed(work.group, stored);
  }

  leave(groupName: string, member: LogMember): void {
    const group = this.#group(groupName);
    const before = group.members.length;
    group.members = group.members.filter((other) => other !== member);
    if (group.members.length < before) this.rebalance(groupName);
  }

  /** Partitions are given out anew, to whoever is a member. */
  rebalance(groupName: string): void {
    const group = this.#group(groupName);
    group.generation++;
    this.witness.disturbed(groupName);
    group.members = shuffled(group.members, this.random);
    group.owners.clear();
    for (let partition = 0; partition < this.partitions; partition++) {
      const member = group.members[partition % Math.max(1, group.members.length)];
      if (member) group.owners.set(partition, { member, generation: group.generation });
    }
    this.world.note(
      `${groupName}: generation ${group.generation}, ${[...group.owners.values()].map(({ member }) => member.process.name).join(' ')}`,
    );
    for (const member of group.members) member.assign(group.generation, this.#partitionsOf(group, member));
  }

  /** Says which groups cannot do their work at present, for want of a log that answers or of a process that runs. */
  reportHindered(): void {
    const { away, failure, ambiguity, maxLatencyMs } = this.faults;
    const isCalm = !away && failure === 0 && ambiguity === 0 && maxLatencyMs === CALM_LOG.maxLatencyMs;
    for (const [name, { owners }] of this.#groups) {
      const runs = (partition: number) => {
        const process = owners.get(partition)?.member.process;
        return process?.alive === true && !process.paused;
      };
      const isServed = Array.from({ length: this.partitions }, (_, partition) => partition).every(runs);
      if (!isCalm || !isServed) this.witness.disturbed(name);
    }
  }

  groups(): string[] {
    return [...this.#groups.keys()];
  }

  /** Whoever is silent for too long is taken for dead. */
  watch(process: SimProcess): void {
    this.world.after(SESSION_MS, undefined, () => {
      if (process.alive && !process.paused) return;
      for (const [name, { members }] of this.#groups) {
        for (const member of members) if (member.process === process) this.leave(name, member);
      }
    });
  }

  isMember(groupName: string, member: LogMember): boolean {
    return this.#group(groupName).members.includes(member);
  }

  join(groupName: string, member: LogMember): void {
    this.#group(groupName).members.push(member);
    this.world.after(20 + this.random() * 300, undefined, () => this.rebalance(groupName));
  }

  #partitionsOf(group: Group, member: LogMember): number[] {
    return [...group.owners].filter(([, owner]) => owner.member === member).map(([partition]) => partition);
  }

  async #append(records: readonly LogRecord[], process: SimProcess): Promise<void> {
    let outcome: 'done' | 'unknown';
    try {
      outcome = await this.answered(process, 'append');
    } catch (error) {
      for (const { key } of records) this.world.note(`log refuses a batch of ${key}`);
      throw error;
    }
    const isLost = this.mutation === 'log-confirms-early' && this.random() < 0.05;
    if (!isLost) for (const record of records) this.#store(record);
    if (outcome === 'unknown') throw unavailable('append: it is durable, but nobody says so');
  }

  #store(record: LogRecord): StoredRecord {
    const partition = record.partition ?? partitionOfKey(record.key, this.partitions);
    if (record.topic === TOPICS.gatewaySequences) {
      const state = this.#compacted.get(partition) ?? new Map<string, Buffer>();
      this.#compacted.set(partition, state);
      if (record.value) state.set(record.key, record.value);
      return { ...record, partition, offset: 0, timestampMs: 0 };
    }
    const log = this.records(record.topic)[partition] as StoredRecord[];
    const stored: StoredRecord = {
      ...record,
      partition,
      offset: log.length,
      timestampMs: START_WALL_MS + this.world.nowMs,
    };
    if (this.mutation === 'log-corrupts' && record.topic === TOPICS.uplink && stored.value && this.random() < 0.05) {
      stored.value = Buffer.from(stored.value);
      const at = stored.value.length - 5;
      stored.value[at] = (stored.value[at] ?? 0) ^ 0x40;
    }
    log.push(stored);
    this.witness.logged(stored);
    if (record.topic === TOPICS.uplink) {
      for (const { owners } of this.#groups.values()) owners.get(partition)?.member.wake();
    }
    return stored;
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (!group) {
      group = { members: [], owners: new Map(), offsets: new Map(), generation: 0 };
      this.#groups.set(name, group);
    }
    return group;
  }
}

export function unavailable(message: string): EventLogError {
  return new EventLogError({ code: 'log-unavailable', message });
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
