-- The job card-testing of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic card-testing-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.

SET 'pipeline.name' = 'card-testing';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- Card testing: a charge of less than 1 dollar shows that a stolen card works; within a minute, and with no other charge in between,
-- more than 500 dollars are taken from it.
--
--   leat topic create transactions --partitions 4
--   leat job submit config/jobs/card-testing.sql
--   leat produce transactions --file transactions.csv --key cc_num
--   leat consume card-testing-alerts --from-beginning

CREATE TABLE transactions (
  trans_num             STRING,
  cc_num                STRING,
  trans_date_trans_time STRING,
  merchant              STRING,
  amt                   DECIMAL(12, 2),
  event_time AS TO_TIMESTAMP(trans_date_trans_time),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'transactions',
  'format' = 'json',
  'properties.group.id' = 'card-testing',
  'scan.startup.mode' = 'earliest-offset',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

-- One row an alert. alert_id is the same whenever the same alert is raised again.
CREATE TABLE alerts (
  alert_id STRING,
  cc_num   STRING,
  tried_at TIMESTAMP(3),
  tried    DECIMAL(12, 2),
  taken_at TIMESTAMP(3),
  taken    DECIMAL(12, 2),
  merchant STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'card-testing-alerts',
  'key.format' = 'raw',
  'key.fields' = 'cc_num',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-card-testing-alerts',
  'properties.transaction.timeout.ms' = '600000'
);

INSERT INTO alerts
SELECT CONCAT('card-testing|', tried_num, '|', taken_num), cc_num, tried_at, tried, taken_at, taken, merchant
FROM transactions MATCH_RECOGNIZE (
  PARTITION BY cc_num
  ORDER BY event_time
  MEASURES
    Tiny.trans_num  AS tried_num,
    Tiny.event_time AS tried_at,
    Tiny.amt        AS tried,
    Big.trans_num   AS taken_num,
    Big.event_time  AS taken_at,
    Big.amt         AS taken,
    Big.merchant    AS merchant
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (Tiny Big) WITHIN INTERVAL '1' MINUTE
  DEFINE
    Tiny AS Tiny.amt < 1,
    Big  AS Big.amt > 500
);
