import { describeWith } from '../../../test/servers/needs.ts';
import { eventLogContract } from '../event-log.contract.ts';
import { openKafkaLog } from './kafka-log.ts';

describeWith(['kafka'], 'EventLog over Kafka', ({ kafka }) => {
  eventLogContract(async () => ({
    address: { kind: 'kafka', brokers: kafka.url },
    open: (topics) => openKafkaLog({ brokers: kafka.url, topics }),
    dispose: async () => {},
  }));
});
