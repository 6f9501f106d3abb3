/**
 * Serial port to MQTT as one would write it in an afternoon with serialport and mqtt.js: its default in-memory store, its own
 * reconnecting, QoS 1. A peer under test, not a part of Milepost.
 *
 *   node mqtt-js-bridge.mjs PORT mqtt://HOST:PORT TOPIC
 */
import { connect } from 'mqtt';
import { ReadlineParser, SerialPort } from 'serialport';

const [path, broker, topic] = process.argv.slice(2);
const client = connect(broker, { clientId: topic.replaceAll('/', '-'), clean: false });
client.on('error', () => undefined);
client.on('connect', () => console.log('connected'));
const port = new SerialPort({ path, baudRate: 115_200 });
port.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
port.pipe(new ReadlineParser({ delimiter: '\r' })).on('data', (line) => client.publish(topic, line, { qos: 1 }));
