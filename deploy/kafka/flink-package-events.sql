-- Flink SQL over Milepost's topics, without any Milepost code. Try it in Flink's SQL client with the Kafka SQL connector on its class path:
--   sql-client.sh -f flink-package-events.sql
-- The columns are those of protocols/uplink/tracking-event.schema.json and alert.schema.json; docs/kafka.md has the contract.

CREATE TABLE package_events (
  -- Headers: identity without decoding the value.
  headers MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL,
  eventId STRING,
  packageId STRING,
  eventType STRING,
  scanType STRING,
  businessStep STRING,
  occurredAt TIMESTAMP_LTZ(3),
  recordedAt TIMESTAMP_LTZ(3),
  location ROW<readPoint STRING, facilityId STRING, vehicleId STRING, latitude DOUBLE, longitude DOUBLE>,
  source ROW<gatewayId STRING, deviceId STRING, epoch STRING, lane STRING, sequence BIGINT, clientEventId STRING>,
  -- Gateways that were offline deliver late: windows wait this long for them, and package state takes whatever comes later.
  WATERMARK FOR occurredAt AS occurredAt - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'package-events',
  'properties.bootstrap.servers' = 'localhost:9092',
  'properties.group.id' = 'flink-package-events',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'false'
);

CREATE TABLE alerts (
  alertId STRING,
  eventId STRING,
  phase STRING,
  ruleId STRING,
  severity STRING,
  gatewayId STRING,
  deviceId STRING,
  quantity STRING,
  `value` DOUBLE,
  `limit` DOUBLE,
  message STRING,
  occurredAt TIMESTAMP_LTZ(3),
  WATERMARK FOR occurredAt AS occurredAt - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'alerts',
  'properties.bootstrap.servers' = 'localhost:9092',
  'properties.group.id' = 'flink-alerts',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- The newest state of each package, from the compacted topic: an upsert table by package.
CREATE TABLE package_states (
  packageId STRING,
  status STRING,
  lastAt TIMESTAMP_LTZ(3),
  eventCount BIGINT,
  version STRING,
  PRIMARY KEY (packageId) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'package-states',
  'properties.bootstrap.servers' = 'localhost:9092',
  'properties.group.id' = 'flink-package-states',
  'properties.isolation.level' = 'read_committed',
  'key.format' = 'raw',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'value.fields-include' = 'ALL'
);

-- Once for each event id, should the hub have replayed events to this topic on demand.
CREATE VIEW unique_events AS
SELECT eventId, packageId, scanType, occurredAt, location
FROM (
  SELECT eventId, packageId, scanType, occurredAt, location,
    ROW_NUMBER() OVER (PARTITION BY eventId ORDER BY occurredAt) AS occasion
  FROM package_events
)
WHERE occasion = 1;

-- How many parcels pass each facility in a quarter of an hour.
SELECT window_start, location.facilityId AS facilityId, scanType, COUNT(DISTINCT packageId) AS packages
FROM TABLE(TUMBLE(TABLE package_events, DESCRIPTOR(occurredAt), INTERVAL '15' MINUTES))
WHERE location.facilityId IS NOT NULL
GROUP BY window_start, window_end, location.facilityId, scanType;
