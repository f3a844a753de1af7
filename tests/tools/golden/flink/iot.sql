-- The job iot of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic iot-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.
-- - Late rows are counted, and not kept. Here they go to the topic readings-late.

SET 'pipeline.name' = 'iot';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- Sensors: what each of them measured in six hours, readings far from its usual ones, and sensors that have gone silent.
--
--   leat topic create readings --partitions 1
--   leat job submit config/jobs/iot.sql
--   leat produce readings --file config/data/sensors.csv --key sensor
--   leat consume sensor-alerts --from-beginning
--
-- In:  readings         {"sensor","timestamp","value"}, `timestamp` as 2014-01-07 02:00:00 (UTC)
-- Out: sensor-windows   one row for each sensor and six hours
--      sensor-alerts    one row for each reading far from the sensor's last 288
--      sensor-silences  one row for each time that a sensor said nothing for more than 5 minutes
--      readings-late    readings that came too late for one of these
--      iot-dlq          readings that cannot be read (text for a number, no time), with the reason

-- Leat only: SET 'leat.late.topic' = 'readings-late';

CREATE TABLE readings (
  sensor      STRING,
  `timestamp` STRING,
  `value`     DOUBLE,
  event_time AS TO_TIMESTAMP(`timestamp`),
  -- A clock that is set back by an hour (the end of summer time) makes nothing late.
  WATERMARK FOR event_time AS event_time - INTERVAL '1' HOUR
) WITH (
  'connector' = 'kafka',
  'topic' = 'readings',
  'format' = 'json',
  'properties.group.id' = 'iot',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  -- A partition whose sensors say nothing does not hold back the others.
  'scan.watermark.idle-timeout' = '10 s',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

CREATE TABLE windows (
  sensor       STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  readings     BIGINT,
  lowest       DOUBLE,
  mean         DOUBLE,
  highest      DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = 'sensor-windows',
  'key.format' = 'raw',
  'key.fields' = 'sensor',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-iot-windows',
  'properties.transaction.timeout.ms' = '600000'
);

CREATE TABLE alerts (
  sensor     STRING,
  event_time TIMESTAMP(3),
  `value`    DOUBLE,
  mean       DOUBLE,
  deviation  DOUBLE,
  z_score    DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = 'sensor-alerts',
  'key.format' = 'raw',
  'key.fields' = 'sensor',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-iot-alerts',
  'properties.transaction.timeout.ms' = '600000'
);

CREATE TABLE silences (
  sensor    STRING,
  since     TIMESTAMP(3),
  active    TIMESTAMP(3),
  readings  BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'sensor-silences',
  'key.format' = 'raw',
  'key.fields' = 'sensor',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-iot-silences',
  'properties.transaction.timeout.ms' = '600000'
);

-- The last 288 readings are a day at one reading in 5 minutes. STDDEV_SAMP is NULL for one reading.
CREATE VIEW usual AS
SELECT
  sensor,
  event_time,
  `value`,
  COUNT(*) OVER last_day AS readings,
  AVG(`value`) OVER last_day AS mean,
  STDDEV_SAMP(`value`) OVER last_day AS deviation
FROM readings
WINDOW last_day AS (PARTITION BY sensor ORDER BY event_time ROWS BETWEEN 287 PRECEDING AND CURRENT ROW);

EXECUTE STATEMENT SET BEGIN

INSERT INTO windows
SELECT sensor, window_start, window_end, COUNT(*), MIN(`value`), AVG(`value`), MAX(`value`)
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(event_time), INTERVAL '6' HOUR))
GROUP BY sensor, window_start, window_end;

-- Further than 4 deviations from the mean, of which the reading itself is part.
INSERT INTO alerts
SELECT sensor, event_time, `value`, mean, deviation, (`value` - mean) / deviation
FROM usual
WHERE readings = 288 AND deviation > 0 AND ABS(`value` - mean) > 4 * deviation;

-- A session of a sensor ends where no reading follows for more than 5 minutes: that is when it went silent. The row comes as soon as
-- the other sensors' time has gone beyond that, not when the sensor comes back.
INSERT INTO silences
SELECT sensor, MAX(event_time), MIN(event_time), COUNT(*)
FROM TABLE(SESSION(TABLE readings PARTITION BY sensor, DESCRIPTOR(event_time), INTERVAL '5' MINUTE))
GROUP BY sensor, window_start, window_end;

END;
