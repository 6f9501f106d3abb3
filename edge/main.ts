/**
 * The daemon: puts drivers, pipeline, Outbox and uplink together and runs them until the signal. The edge's composition root.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { aborted, type Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import type { GatewayStatus } from '../protocols/uplink/gateway-status.ts';
import { topics } from '../protocols/uplink/topics.ts';
import type { EdgeConfig } from './config.ts';
import { overlay } from './fleet/overlay.ts';
import { RemoteConfig } from './fleet/remote-config.ts';
import { RunningDevices } from './fleet/running-devices.ts';
import { ChannelBook, inventoryOf } from './fleet/sensors.ts';
import { identify, identifyTag } from './identify.ts';
import { motionOptions } from './motion-config.ts';
import { type EdgeReport, isBalanced } from './ops/report.ts';
import { openSupervisor } from './ops/sd-notify.ts';
import { startSelfCare } from './ops/self-care.ts';
import { openOpsServer } from './ops/server.ts';
import { InHand } from './ops/watchdog.ts';
import { nodeDisk } from './outbox/node-disk.ts';
import { Outbox } from './outbox/outbox.ts';
import { Intake } from './pipeline/intake.ts';
import { Pipeline, type PipelineDevice } from './pipeline/pipeline.ts';
import { PipelineState } from './pipeline/pipeline-state.ts';
import type { ReadPoint } from './pipeline/read-point.ts';
import { RECENT_RECORDS, recentScans } from './pipeline/recent-scans.ts';
import { zonesOf } from './rules/file-rules.ts';
import { RuleRunner } from './rules/rule-runner.ts';
import { RuleState } from './rules/rule-state.ts';
import { keepTime } from './time/keep-time.ts';
import { TimeAskingLink } from './time/time-asking-link.ts';
import type { DeviceHealth } from './transport/device-health.ts';
import { openTransport } from './transport/open.ts';
import { superviseDevice } from './transport/supervisor.ts';
import type { Link } from './uplink/link.ts';
import { MqttLink } from './uplink/mqtt-link.ts';
import { Uplink } from './uplink/uplink.ts';

export interface EdgeOptions {
  config: EdgeConfig;
  /** The box's own clock; what time it is worth is found out here (time/). */
  clock: Clock & { readonly bootId: number; readonly hostRun: string | undefined };
  log: Log;
  /** Ends the daemon. */
  signal: AbortSignal;
  version: string;
}

export interface RunningEdge {
  report(): EdgeReport;
  /** Resolves after the signal, when everything is closed. */
  done: Promise<void>;
}

const STATUS_EVERY_MS = 15_000;
const TICK_MS = 250;
/** How long a stop waits for what is on disk to reach the hub; the rest goes after the next start. */
const DRAIN_MS = 1_500;
/** Some eight thousand alerts on a full disk. */
const DISK_RESERVE_BYTES = 1024 * 1024;
/** What the watchdog lets pass: the slowest disk answers sooner. */
const STALL_MS = 30_000;

/** Resolves when the devices are being opened. Rejects when the state folder or the ops port cannot be used. */
export async function runEdge(options: EdgeOptions): Promise<RunningEdge> {
  const { config, log, signal, version } = options;
  const { gateway } = config;
  await nodeDisk.makeFolder(gateway.stateDir).catch((error: Error) => {
    // The outbox says what is wrong with the disk, and when it is not any more.
    log.error({ err: error, folder: gateway.stateDir }, 'the state folder cannot be made');
  });
  const time = await keepTime({
    base: options.clock,
    disk: nodeDisk,
    folder: gateway.stateDir,
    log: log.child({ part: 'time' }),
    onLearned: (known) => void intake.store({ kind: 'clock', ...known }, known.monotonicUs),
  });
  const { clock } = time;
  const remote = await RemoteConfig.open({
    gatewayId: gateway.id,
    disk: nodeDisk,
    folder: gateway.stateDir,
    clock,
    log: log.child({ part: 'fleet' }),
    trialMs: config.fleet.trialTime,
    check: (settings) => overlay(config, settings).reasons,
  });
  // What is in force: the file, with what the hub has set.
  let inForce = overlay(config, remote.settings).config;
  let report: (() => EdgeReport) | undefined;
  const ops = await openOpsServer({
    stateDir: gateway.stateDir,
    ...(config.ops.listen === undefined ? {} : { listen: config.ops.listen }),
    report: () => report?.(),
  });
  const outbox = await Outbox.open({
    disk: nodeDisk,
    folder: `${gateway.stateDir}/outbox`,
    clock,
    log: log.child({ part: 'outbox' }),
    bootId: clock.bootId,
    ...(options.clock.hostRun === undefined ? {} : { hostRun: options.clock.hostRun }),
    newEpoch: () => randomBytes(8).toString('hex'),
    maxBytes: config.outbox.maxSize,
    segmentBytes: config.outbox.segmentSize,
    commitDelayMs: config.outbox.commitDelay,
    diskReserveBytes: DISK_RESERVE_BYTES,
  });
  const mqtt = new MqttLink({
    ...(await linkOptions(config)),
    clock,
    random: Math.random,
    log: log.child({ part: 'link' }),
  });
  const link = new TimeAskingLink({
    link: mqtt,
    clock,
    log: log.child({ part: 'time' }),
    answerTopic: topics.downAck(gateway.id),
    // The link may stand before the rest of the daemon does: asked again soon.
    ask: async (askedUs) => {
      if (!report) return;
      await mqtt.publish(
        topics.upStatus(gateway.id),
        statusMessage(report(), { online: true, askedUs, labels: labelsOf(gateway) }),
        { retain: true },
      );
    },
  });
  remote.listen(link);
  const uplink = new Uplink({
    gatewayId: gateway.id,
    outbox,
    link,
    clock,
    log: log.child({ part: 'uplink' }),
    random: Math.random,
    batchRecords: config.uplink.batchRecords,
    batchBytes: config.uplink.batchSize,
    deflate: config.uplink.deflate,
    bootClocks: (records) => time.bootClocks.of(records, clock.bootId),
    acknowledgeTimeoutMs: config.uplink.acknowledgeTimeout,
  });
  const intake = new Intake({ appender: outbox, clock, log: log.child({ part: 'intake' }) });
  const motion = motionOptions(config.motion, config.geofences);
  const site = {
    ...(gateway.facility === undefined ? {} : { facilityId: gateway.facility }),
    ...(gateway.vehicle === undefined ? {} : { vehicleId: gateway.vehicle }),
    ...(gateway.latitude === undefined ? {} : { latitude: gateway.latitude }),
    ...(gateway.longitude === undefined ? {} : { longitude: gateway.longitude }),
  };
  const rules = new RuleRunner({
    store: (payload, observedUs) => intake.store(payload, observedUs),
    lastSequence: () => outbox.lastSequence('alert'),
    place: () => site,
    zoneOf: (deviceId) => zonesOf(inForce).get(deviceId.split('/')[0] ?? ''),
    clock,
    log: log.child({ part: 'rules' }),
    newId: randomUUID,
  });
  const pipeline = new Pipeline({
    devices: pipelineDevices(inForce),
    rules,
    site,
    ...(motion ? { motion } : {}),
    intake,
    lastSequence: () => outbox.lastSequence('tracking'),
    identify,
    identifyTag,
    clock,
    log: log.child({ part: 'pipeline' }),
  });

  pipeline.remember(recentScans(await outbox.newest('tracking', RECENT_RECORDS), outbox.bootId));
  const memory = new PipelineState({
    pipeline,
    tail: {
      get epoch() {
        return outbox.epoch;
      },
      bootId: outbox.bootId,
      lastSequence: () => outbox.lastSequence('tracking'),
      newest: (count) => outbox.newest('tracking', count),
      retain: (from) => outbox.retain('tracking', from),
    },
    disk: nodeDisk,
    folder: gateway.stateDir,
    clock,
    log: log.child({ part: 'pipeline' }),
  });
  // Until a device is heard, nobody observes that a tag departs from it.
  for (const device of config.devices) pipeline.listen(device.id, false);
  await memory.load();
  const ruleState = new RuleState({
    runner: rules,
    tail: {
      get epoch() {
        return outbox.epoch;
      },
      bootId: outbox.bootId,
      lastSequence: (lane) => outbox.lastSequence(lane),
      newest: (lane, count) => outbox.newest(lane, count),
      retain: (lane, from) => outbox.retain(lane, from),
    },
    disk: nodeDisk,
    folder: gateway.stateDir,
    clock,
    log: log.child({ part: 'rules' }),
  });
  await ruleState.load(inForce.rules);

  const taken = new InHand();
  const care = startSelfCare({
    clock,
    log: log.child({ part: 'self-care' }),
    newId: randomUUID,
    parts: [
      // A refusing disk holds readings by intent (mode); a silent one is the part below.
      {
        name: 'ingest',
        limitMs: STALL_MS,
        stalledSinceUs: () => (outbox.mode.mode === 'ok' ? taken.oldestUs : undefined),
      },
      { name: 'disk', limitMs: STALL_MS, stalledSinceUs: () => outbox.progress.commitStalledSinceUs },
      { name: 'uplink', limitMs: STALL_MS, stalledSinceUs: () => uplink.stalledSinceUs },
    ],
    supervisor: openSupervisor(process.env, log),
    ledger: () => outbox.ledger(),
    recount: () => outbox.verify(),
    alert: (payload) => void intake.store(payload, clock.monotonicUs()),
  });

  const startUs = clock.monotonicUs();
  report = () => {
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const lanes = outbox.ledger();
    const { mode, detail } = outbox.mode;
    const fault = link.fault();
    return {
      gatewayId: gateway.id,
      software: version,
      upSeconds: Math.round((clock.monotonicUs() - startUs) / 1e6),
      atMs: Math.round(wallMs),
      clock: { state, uncertaintyMs },
      bootId: outbox.bootId,
      epoch: outbox.epoch,
      outbox: {
        mode,
        detail,
        lanes,
        unused: outbox.unused(),
        bytes: outbox.bytes(),
        held: intake.held(),
        reserveBytes: outbox.reserveBytes,
        faults: outbox.faults.count,
        lastFault: outbox.faults.last,
      },
      rejected: { ...intake.rejected },
      balanced: isBalanced(lanes) && care.violation() === undefined,
      hub: {
        url: config.hub.url,
        connected: mqtt.connected,
        code: fault?.code ?? '',
        message: fault?.message ?? '',
        inFlightBatches: uplink.inFlight(),
        ...uplink.counters,
      },
      pipeline: { ...pipeline.counters, tagsPresent: pipeline.tagsPresent() },
      rules: rules.report(),
      config: remote.summary(),
      devices: devices.list.map(({ config: { driver }, device }) => {
        const { sinceUs: _since, lastReadingUs, ...health } = device.health;
        const ago = lastReadingUs === undefined ? undefined : Math.max(0, (clock.monotonicUs() - lastReadingUs) / 1e6);
        return {
          id: device.deviceId,
          driver,
          ...health,
          lastReadingSecondsAgo: ago,
        };
      }),
    };
  };

  const getReport = report;
  const labels = labelsOf(gateway);
  const publishStatus = () => {
    if (!link.connected) return;
    link
      .publish(topics.upStatus(gateway.id), statusMessage(getReport(), { online: true, labels }), { retain: true })
      .catch((error: Error) => {
        log.debug({ err: error }, 'status not published');
      });
  };
  const onHealthChange = (deviceId: string, health: DeviceHealth) => {
    publishStatus();
    const { state, code, message } = health;
    pipeline.listen(deviceId, state === 'online');
    if (state === 'connecting') return;
    void intake.store({ kind: 'device', deviceId, state, code, message }, clock.monotonicUs());
  };
  const channels = new ChannelBook();
  const devices = new RunningDevices({
    signal,
    start: (device, deviceSignal) =>
      superviseDevice({
        deviceId: device.id,
        driver: device.implementation,
        options: device.options,
        openTransport,
        clock,
        log: log.child({ part: 'driver' }),
        random: Math.random,
        signal: deviceSignal,
        onReading: (reading) => {
          time.observe(device.id, reading);
          if (reading.channel !== undefined) channels.note(device.id, reading.channel);
          return taken.during(clock.monotonicUs(), pipeline.take(device.id, reading));
        },
        onHealthChange: (health) => onHealthChange(device.id, health),
      }),
    onStop: (deviceId) => pipeline.listen(deviceId, false),
  });
  await devices.configure(inForce.devices);
  remote.start({
    devices: () =>
      new Map(
        devices.list.map(({ device: { deviceId, health } }) => [
          deviceId,
          { isOnline: health.state === 'online', message: health.message },
        ]),
      ),
    inventory: () => inventoryOf(inForce, channels.seen),
    apply: async (settings) => {
      inForce = overlay(config, settings).config;
      pipeline.configure(pipelineDevices(inForce));
      rules.setRules(inForce.rules);
      const restarted = await devices.configure(inForce.devices);
      log.info({ part: 'fleet', restarted }, 'configuration in force');
      publishStatus();
    },
  });
  link.onState((connected) => {
    if (connected) publishStatus();
  });
  const tick = () => {
    pipeline.tick();
    memory.tick();
    ruleState.tick();
    remote.tick();
  };
  const cancelTimers = [every(clock, STATUS_EVERY_MS, publishStatus), every(clock, TICK_MS, tick)];
  log.info(
    { gateway: gateway.id, devices: devices.list.length, epoch: outbox.epoch, bootId: outbox.bootId },
    'gateway runs',
  );

  const stop = async () => {
    await aborted(signal);
    care.stop();
    for (const cancel of cancelTimers) cancel();
    await remote.stop();
    await devices.done();
    intake.stop();
    await drained({ outbox, link, clock });
    await memory.save();
    await ruleState.save();
    uplink.stop();
    if (link.connected) {
      await link
        .publish(topics.upStatus(gateway.id), statusMessage(getReport(), { online: false, labels }), { retain: true })
        .catch(() => {});
    }
    await link.close();
    await outbox.close();
    await time.stop();
    await ops.close();
    log.info({ gateway: gateway.id }, 'gateway stopped');
  };
  return { report: getReport, done: stop() };
}

/** Waits until nothing is pending, but not long: what stays is on disk. */
async function drained(at: { outbox: Outbox; link: Link; clock: Clock }): Promise<void> {
  const { outbox, link, clock } = at;
  const untilUs = clock.monotonicUs() + DRAIN_MS * 1000;
  const open = () => outbox.queued() > 0 || Object.values(outbox.ledger()).some(({ pending }) => pending > 0);
  while (open() && (link.connected || outbox.queued() > 0) && clock.monotonicUs() < untilUs) {
    await new Promise<void>((resolve) => clock.after(20, resolve));
  }
}

function pipelineDevices(config: EdgeConfig): PipelineDevice[] {
  const readPoints = new Map<string, ReadPoint>(
    config.readPoints.map(({ scanWindow, tagDepartedAfter, scanType, identities, zone, ...point }) => [
      point.id,
      {
        ...point,
        scanWindowMs: scanWindow,
        tagDepartedAfterMs: tagDepartedAfter,
        ...(scanType === undefined ? {} : { scanType }),
        ...(zone === undefined ? {} : { zone }),
        ...(identities === undefined ? {} : { identities }),
      },
    ]),
  );
  return config.devices.map((device) => {
    const readPoint = device.readPoint === undefined ? undefined : readPoints.get(device.readPoint);
    const antennas = new Map<number, ReadPoint>();
    for (const [antenna, name] of Object.entries(device.antennas ?? {})) {
      const point = readPoints.get(name);
      if (point) antennas.set(Number(antenna), point);
    }
    const changes = new Map(
      device.changes.map(({ quantity, deadband, maxInterval }) => [quantity, { deadband, maxIntervalMs: maxInterval }]),
    );
    return { id: device.id, antennas, changes, ...(readPoint ? { readPoint } : {}) };
  });
}

/** How the daemon reaches its hub; also for whoever tests that it can. @throws for a file that cannot be read. */
export async function linkOptions({ gateway, hub }: EdgeConfig) {
  const passwordLine =
    hub.passwordFile === undefined ? hub.password : (await readFile(hub.passwordFile, 'utf8')).split(/\r?\n/)[0];
  const pem = async (file: string | undefined) => (file === undefined ? undefined : readFile(file, 'utf8'));
  const [ca, cert, key] = await Promise.all([pem(hub.caFile), pem(hub.certFile), pem(hub.keyFile)]);
  const offline: GatewayStatus = { version: 1, gatewayId: gateway.id, online: false };
  return {
    url: hub.url,
    clientId: gateway.id,
    keepaliveSeconds: Math.max(1, Math.round(hub.keepalive / 1000)),
    subscribe: [topics.downAck(gateway.id), topics.downConfig(gateway.id)],
    will: { topic: topics.upStatus(gateway.id), payload: Buffer.from(JSON.stringify(offline)) },
    ...(hub.username === undefined ? {} : { username: hub.username }),
    ...(passwordLine === undefined ? {} : { password: passwordLine }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** What the fleet selects this gateway by; its id it has anyway. */
function labelsOf({ labels, facility, vehicle }: EdgeConfig['gateway']): Record<string, string> {
  return { ...labels, ...(facility === undefined ? {} : { facility }), ...(vehicle === undefined ? {} : { vehicle }) };
}

function statusMessage(
  report: EdgeReport,
  more: { online: boolean; labels: Record<string, string>; askedUs?: number },
): Buffer {
  const { online, labels, askedUs } = more;
  const status: GatewayStatus = {
    version: 1,
    gatewayId: report.gatewayId,
    online,
    software: report.software,
    bootId: report.bootId,
    epoch: report.epoch,
    ...(Object.keys(labels).length > 0 && { labels }),
    atMs: report.atMs,
    clock: { ...report.clock, ...(askedUs === undefined ? {} : { askedUs }) },
    outbox: { mode: report.outbox.mode, lanes: report.outbox.lanes, unused: report.outbox.unused },
    devices: report.devices.map(({ id, driver, state, code, message }) => ({ id, driver, state, code, message })),
  };
  return Buffer.from(JSON.stringify(status));
}

function every(clock: Clock, intervalMs: number, work: () => void): () => void {
  let cancel = clock.after(intervalMs, function again() {
    work();
    cancel = clock.after(intervalMs, again);
  });
  return () => cancel();
}
