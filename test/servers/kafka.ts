/** A Kafka 4 broker of one node in KRaft mode: broker and controller in one process, sized for a test machine. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaReady } from './kafka-probe.ts';
import { kafkaLibraries, program } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export interface KafkaOptions {
  /** Broker properties beside or instead of ours, for example `{ 'log.cleaner.backoff.ms': '100' }`. */
  properties?: Readonly<Record<string, string>>;
  /** A second listener for clients that come through a proxy: it listens on `port` and sends them to `advertised` (`host:port`). */
  proxied?: { port: number; advertised: string };
}

const run = promisify(execFile);

/** `url` is the bootstrap address `host:port`. */
export async function startKafka(options: KafkaOptions = {}): Promise<Server> {
  const folder = await serverFolder('kafka');
  const port = await freePort();
  const properties = join(folder, 'server.properties');
  const logging = join(folder, 'log4j2.properties');
  const ports = { port, controllerPort: await freePort(), proxied: options.proxied };
  const settings = { ...brokerSettings({ folder, ...ports }), ...options.properties };
  await writeFile(properties, asProperties(settings));
  await writeFile(logging, asProperties(LOGGING));

  const java = program('java');
  const classPath = ['-cp', join(kafkaLibraries, '*'), `-Dlog4j2.configurationFile=${logging}`];
  const clusterId = randomBytes(16).toString('base64url');
  // With `=`: one identifier in 64 begins with a dash.
  const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '--config', properties];
  await run(java, ['-XX:TieredStopAtLevel=1', ...classPath, ...format]);

  return startServer({
    name: 'kafka',
    port,
    url: `${HOST}:${port}`,
    folder,
    command: java,
    args: ['-Xms128m', '-Xmx512m', '-XX:MaxGCPauseMillis=20', ...classPath, 'kafka.Kafka', properties],
    ready: () => kafkaReady(port),
    readyTimeoutMs: 60_000,
  });
}

function brokerSettings(options: {
  folder: string;
  port: number;
  controllerPort: number;
  proxied: KafkaOptions['proxied'];
}): Record<string, string> {
  const { folder, port, controllerPort, proxied } = options;
  const clients = proxied === undefined ? '' : `,PROXIED://${HOST}:${proxied.port}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${HOST}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}${clients}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port}${proxied ? `,PROXIED://${proxied.advertised}` : ''}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    // One node: nothing can be replicated.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Small and quick: few internal partitions to load, groups that do not wait for members to come.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'controlled.shutdown.enable': 'false',
    // A restarted broker waits until the session of its former life is over; by default that is nine seconds.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '400',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '16777216',
    'log.retention.ms': '-1',
  };
}

const LOGGING = {
  'appender.out.type': 'Console',
  'appender.out.name': 'out',
  'appender.out.layout.type': 'PatternLayout',
  'appender.out.layout.pattern': '%d{HH:mm:ss.SSS} %p %c{1}: %m%n%throwable',
  'rootLogger.level': 'warn',
  'rootLogger.appenderRef.out.ref': 'out',
};

function asProperties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
