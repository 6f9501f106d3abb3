/**
 * MQTT to Kafka for the peers, careful so that nothing counted against them is its doing: a persistent session, QoS 1, PUBACK only after
 * Kafka (`acks=all`, idempotent producer) has confirmed, one connection per topic.
 *
 *   node --import tsx sink.ts BROKER_URL KAFKA_BROKERS KAFKA_TOPIC MQTT_TOPIC…
 */
import mqtt from 'mqtt';

const [brokerUrl = '', brokers = '', kafkaTopic = '', ...topics] = process.argv.slice(2);
const { default: rdkafka } = await import('node-rdkafka');
const producer = new rdkafka.Producer(
  { 'metadata.broker.list': brokers, 'enable.idempotence': true, 'linger.ms': 1, dr_cb: true },
  { acks: -1 },
);
producer.on('delivery-report', (error, report) => (report.opaque as (failed: boolean) => void)(Boolean(error)));
producer.on('event.error', () => undefined);
await new Promise<void>((resolve, reject) => {
  producer.connect({}, (error) => (error ? reject(error) : resolve()));
});
producer.setPollInterval(2);
let ready = 0;
for (const topic of topics) {
  const client = mqtt.connect(brokerUrl, { clientId: `sink-${topic.replaceAll('/', '-')}`, clean: false });
  client.on('error', () => undefined);
  client.handleMessage = (packet, done) => {
    if (packet.cmd !== 'publish') return done();
    const confirmed = (failed: boolean) => {
      if (!failed) return done();
      // Nothing is given up: an unconfirmed message holds its topic up until Kafka is back.
      producer.produce(kafkaTopic, null, Buffer.from(packet.payload), packet.topic, Date.now(), confirmed);
    };
    producer.produce(kafkaTopic, null, Buffer.from(packet.payload), packet.topic, Date.now(), confirmed);
  };
  client.on('connect', () => {
    client.subscribe(topic, { qos: 1 }, () => {
      ready++;
      if (ready === topics.length) process.stdout.write('ready\n');
    });
  });
}
