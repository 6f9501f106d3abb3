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
import { identify, identifyTag } from './identify.ts';
import { type EdgeReport, isBalanced } from './ops/report.ts';
import { openOpsServer } from './ops/server.ts';
import { nodeDisk } from './outbox/node-disk.ts';
import { Outbox } from './outbox/outbox.ts';
import { Intake } from './pipeline/intake.ts';
import { Pipeline, type PipelineDevice } from './pipeline/pipeline.ts';
import type { ReadPoint } from './pipeline/read-point.ts';
import type { DeviceHealth } from './transport/device-health.ts';
import { openTransport } from './transport/open.ts';
import { type SupervisedDevice, superviseDevice } from './transport/supervisor.ts';
import { MqttLink } from './uplink/mqtt-link.ts';
import { Uplink } from './uplink/uplink.ts';

export interface EdgeOptions {
  config: EdgeConfig;
  clock: Clock;
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
const TICK_MS = 1_000;
/** How long a stop waits for what is on disk to reach the hub; the rest goes after the next start. */
const DRAIN_MS = 1_500;

/** Resolves when the devices are being opened. Rejects when the state folder or the ops port cannot be used. */
export async function runEdge(options: EdgeOptions): Promise<RunningEdge> {
  const { config, clock, log, signal, version } = options;
  const { gateway } = config;
  await nodeDisk.makeFolder(gateway.stateDir);
  let report: (() => EdgeReport) | undefined;
  const ops = await openOpsServer({
    stateDir: gateway.stateDir,
    ...(config.ops.listen === undefined ? {} : { listen: config.ops.listen }),
    report: () => {
      if (!report) throw new Error('starting');
      return report();
    },
  });
  const outbox = await Outbox.open({
    disk: nodeDisk,
    folder: `${gateway.stateDir}/outbox`,
    clock,
    log: log.child({ part: 'outbox' }),
    bootId: randomBytes(4).readUInt32LE(0),
    newEpoch: () => randomBytes(8).toString('hex'),
    maxBytes: config.outbox.maxSize,
    segmentBytes: config.outbox.segmentSize,
    commitDelayMs: config.outbox.commitDelay,
  });
  const link = new MqttLink({
    ...(await linkOptions(config)),
    clock,
    random: Math.random,
    log: log.child({ part: 'link' }),
  });
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
    acknowledgeTimeoutMs: config.uplink.acknowledgeTimeout,
  });
  const intake = new Intake({ appender: outbox, clock, log: log.child({ part: 'intake' }) });
  const pipeline = new Pipeline({
    devices: pipelineDevices(config),
    thresholds: config.thresholds.map(({ device, dwell, low, high, ...rest }) => ({
      ...rest,
      deviceId: device,
      dwellMs: dwell,
      ...(low === undefined ? {} : { low }),
      ...(high === undefined ? {} : { high }),
    })),
    site: {
      ...(gateway.facility === undefined ? {} : { facilityId: gateway.facility }),
      ...(gateway.vehicle === undefined ? {} : { vehicleId: gateway.vehicle }),
      ...(gateway.latitude === undefined ? {} : { latitude: gateway.latitude }),
      ...(gateway.longitude === undefined ? {} : { longitude: gateway.longitude }),
    },
    intake,
    identify,
    identifyTag,
    clock,
    log: log.child({ part: 'pipeline' }),
    newId: randomUUID,
  });

  const startUs = clock.monotonicUs();
  const devices: SupervisedDevice[] = [];
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
      outbox: { mode, detail, lanes, bytes: outbox.bytes(), held: intake.held() },
      rejected: { ...intake.rejected },
      balanced: isBalanced(lanes),
      hub: {
        url: config.hub.url,
        connected: link.connected,
        code: fault?.code ?? '',
        message: fault?.message ?? '',
        inFlightBatches: uplink.inFlight(),
        ...uplink.counters,
      },
      pipeline: { ...pipeline.counters, tagsPresent: pipeline.tagsPresent() },
      devices: devices.map((device, index) => {
        const { sinceUs: _since, lastReadingUs, ...health } = device.health;
        const ago = lastReadingUs === undefined ? undefined : Math.max(0, (clock.monotonicUs() - lastReadingUs) / 1e6);
        return {
          id: device.deviceId,
          driver: config.devices[index]?.driver ?? '',
          ...health,
          lastReadingSecondsAgo: ago,
        };
      }),
    };
  };

  const getReport = report;
  const publishStatus = () => {
    if (!link.connected) return;
    link
      .publish(topics.upStatus(gateway.id), statusMessage(getReport(), true), { retain: true })
      .catch((error: Error) => {
        log.debug({ err: error }, 'status not published');
      });
  };
  const onHealthChange = (deviceId: string, health: DeviceHealth) => {
    publishStatus();
    const { state, code, message } = health;
    if (state === 'connecting') return;
    void intake.store({ kind: 'device', deviceId, state, code, message }, clock.monotonicUs());
  };
  for (const device of config.devices) {
    devices.push(
      superviseDevice({
        deviceId: device.id,
        driver: device.implementation,
        options: device.options,
        openTransport,
        clock,
        log: log.child({ part: 'driver' }),
        random: Math.random,
        signal,
        onReading: (reading) => pipeline.take(device.id, reading),
        onHealthChange: (health) => onHealthChange(device.id, health),
      }),
    );
  }
  link.onState((connected) => {
    if (connected) publishStatus();
  });
  const cancelTimers = [every(clock, STATUS_EVERY_MS, publishStatus), every(clock, TICK_MS, () => pipeline.tick())];
  log.info(
    { gateway: gateway.id, devices: devices.length, epoch: outbox.epoch, bootId: outbox.bootId },
    'gateway runs',
  );

  const stop = async () => {
    await aborted(signal);
    for (const cancel of cancelTimers) cancel();
    await Promise.all(devices.map((device) => device.done));
    intake.stop();
    await drained({ outbox, link, clock });
    uplink.stop();
    if (link.connected) {
      await link
        .publish(topics.upStatus(gateway.id), statusMessage(getReport(), false), { retain: true })
        .catch(() => {});
    }
    await link.close();
    await outbox.close();
    await ops.close();
    log.info({ gateway: gateway.id }, 'gateway stopped');
  };
  return { report: getReport, done: stop() };
}

/** Waits until nothing is pending, but not long: what stays is on disk. */
async function drained(at: { outbox: Outbox; link: MqttLink; clock: Clock }): Promise<void> {
  const { outbox, link, clock } = at;
  const untilUs = clock.monotonicUs() + DRAIN_MS * 1000;
  const open = () => outbox.queued() > 0 || Object.values(outbox.ledger()).some(({ pending }) => pending > 0);
  while (open() && (link.connected || outbox.queued() > 0) && clock.monotonicUs() < untilUs) {
    await new Promise<void>((resolve) => clock.after(20, resolve));
  }
}

function pipelineDevices(config: EdgeConfig): PipelineDevice[] {
  const readPoints = new Map<string, ReadPoint>(
    config.readPoints.map(({ scanWindow, tagDepartedAfter, scanType, identities, ...point }) => [
      point.id,
      {
        ...point,
        scanWindowMs: scanWindow,
        tagDepartedAfterMs: tagDepartedAfter,
        ...(scanType === undefined ? {} : { scanType }),
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

async function linkOptions({ gateway, hub }: EdgeConfig) {
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

function statusMessage(report: EdgeReport, online: boolean): Buffer {
  const status: GatewayStatus = {
    version: 1,
    gatewayId: report.gatewayId,
    online,
    software: report.software,
    bootId: report.bootId,
    epoch: report.epoch,
    atMs: report.atMs,
    clock: report.clock,
    outbox: { mode: report.outbox.mode, lanes: report.outbox.lanes },
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
