-- The job fraud-patterns of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic fraud-patterns-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.
-- - Late rows are counted, and not kept. Here they go to the topic fraud-patterns-late.

SET 'pipeline.name' = 'fraud-patterns';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- Card fraud that takes more than one transaction to see, or a list that changes: beside config/jobs/fraud.sql, on the same topic.
--
--   leat topic create transactions --partitions 4
--   leat topic create blocked-merchants --partitions 1 --config cleanup.policy=compact
--   leat produce blocked-merchants --file config/data/blocked_merchants.csv --key merchant
--   leat job submit config/jobs/fraud-patterns.sql
--   leat produce transactions --file config/data/card_transactions.csv --key cc_num
--   leat consume fraud-patterns --from-beginning
--
-- In:  transactions        {"trans_num","cc_num","trans_date_trans_time","merchant","amt","merch_lat","merch_long",..}
--      blocked-merchants   a table {"merchant","changed_at","blocked"} keyed by the merchant: blocked or not since that moment
-- Out: fraud-patterns      one row an alert: small-then-large, blocked-merchant, too-fast
--      fraud-patterns-late transactions that came more than five seconds late
--      fraud-patterns-dlq  records that cannot be read, with the reason

-- Leat only: SET 'leat.late.topic' = 'fraud-patterns-late';

CREATE TABLE transactions (
  trans_num             STRING,
  cc_num                STRING,
  trans_date_trans_time STRING,
  merchant              STRING,
  amt                   DECIMAL(12, 2),
  merch_lat             DOUBLE,
  merch_long            DOUBLE,
  event_time AS TO_TIMESTAMP(trans_date_trans_time),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'transactions',
  'format' = 'json',
  'properties.group.id' = 'fraud-patterns',
  'scan.startup.mode' = 'earliest-offset',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

CREATE TABLE blocked_merchants (
  merchant   STRING,
  changed_at STRING,
  blocked    BOOLEAN,
  since AS TO_TIMESTAMP(changed_at),
  -- Changes are rare. Transactions do not wait for the next one: what has been read when their time comes is what holds.
  WATERMARK FOR since AS since + INTERVAL '10' YEAR,
  PRIMARY KEY (merchant) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'blocked-merchants',
  'key.format' = 'raw',
  'value.format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.group.id' = 'fraud-patterns',
  'properties.isolation.level' = 'read_committed'
);

-- alert_id is the same whenever the same alert is raised again.
CREATE TABLE alerts (
  alert_id   STRING,
  reason     STRING,
  cc_num     STRING,
  event_time TIMESTAMP(3),
  evidence   STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'fraud-patterns',
  'key.format' = 'raw',
  'key.fields' = 'cc_num',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-fraud-patterns-alerts',
  'properties.transaction.timeout.ms' = '600000'
);

-- Each transaction with the one of the same card before it.
CREATE VIEW moves AS
SELECT
  trans_num,
  cc_num,
  event_time,
  TIMESTAMPDIFF(SECOND, LAG(event_time) OVER of_card, event_time) AS seconds,
  RADIANS(merch_lat) AS lat,
  RADIANS(merch_long) AS lon,
  RADIANS(LAG(merch_lat) OVER of_card) AS last_lat,
  RADIANS(LAG(merch_long) OVER of_card) AS last_lon
FROM transactions
WINDOW of_card AS (PARTITION BY cc_num ORDER BY event_time);

EXECUTE STATEMENT SET BEGIN

-- Less than 10 dollars to see whether the card works, and with the very next transaction, within an hour, more than 200.
INSERT INTO alerts
SELECT
  CONCAT('small-then-large|', tiny_num, '|', big_num),
  'small-then-large',
  cc_num,
  big_at,
  CONCAT(CAST(tiny AS STRING), ' USD and then ', CAST(big AS STRING), ' USD at ', merchant)
FROM transactions MATCH_RECOGNIZE (
  PARTITION BY cc_num
  ORDER BY event_time
  MEASURES
    Tiny.trans_num AS tiny_num,
    Tiny.amt       AS tiny,
    Big.trans_num  AS big_num,
    CAST(Big.event_time AS TIMESTAMP(3)) AS big_at,
    Big.amt        AS big,
    Big.merchant   AS merchant
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  -- Less than the interval: a second more than the hour.
  PATTERN (Tiny Big) WITHIN INTERVAL '3601' SECOND(4)
  DEFINE
    Tiny AS Tiny.amt < 10,
    Big  AS Big.amt > 200
);

-- At a merchant that was blocked at the moment of the transaction, whatever the table says now.
INSERT INTO alerts /*+ OPTIONS('sink.transactional-id-prefix' = 'flink-fraud-patterns-alerts-2') */
SELECT
  CONCAT('blocked-merchant|', t.trans_num),
  'blocked-merchant',
  t.cc_num,
  CAST(t.event_time AS TIMESTAMP(3)),
  CONCAT(t.merchant, ' is blocked since ', b.changed_at)
FROM transactions AS t
JOIN blocked_merchants FOR SYSTEM_TIME AS OF t.event_time AS b ON t.merchant = b.merchant
WHERE b.blocked;

-- From one merchant to the next faster than 900 km an hour, on a ball of 6371 km.
INSERT INTO alerts /*+ OPTIONS('sink.transactional-id-prefix' = 'flink-fraud-patterns-alerts-3') */
SELECT
  CONCAT('too-fast|', trans_num),
  'too-fast',
  cc_num,
  CAST(event_time AS TIMESTAMP(3)),
  CONCAT(CAST(CAST(km AS INT) AS STRING), ' km in ', CAST(seconds AS STRING), ' s')
FROM (
  SELECT *, 2 * 6371 * ASIN(SQRT(
    POWER(SIN((lat - last_lat) / 2), 2) + COS(lat) * COS(last_lat) * POWER(SIN((lon - last_lon) / 2), 2))) AS km
  FROM moves
)
WHERE km * 3600 > 900 * seconds;

END;
