-- The job fraud of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic fraud-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.

SET 'pipeline.name' = 'fraud';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- Card fraud by rules, in event time: velocity per card, large amounts (stricter at night), blocked merchant categories.
--
--   leat topic create transactions --partitions 4
--   leat job submit config/jobs/fraud.sql
--   leat produce transactions --file config/data/card_transactions.csv --key cc_num
--   leat consume fraud-alerts --from-beginning

CREATE TABLE transactions (
  trans_num             STRING,
  cc_num                STRING,
  trans_date_trans_time STRING,
  merchant              STRING,
  category              STRING,
  amt                   DECIMAL(12, 2),
  event_time AS TO_TIMESTAMP(trans_date_trans_time),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'transactions',
  'format' = 'json',
  'properties.group.id' = 'fraud',
  'scan.startup.mode' = 'earliest-offset',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

-- One row an alert. alert_id is the same whenever the same alert is raised again.
CREATE TABLE alerts (
  alert_id     STRING,
  reason       STRING,
  cc_num       STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  tx_count     BIGINT,
  tx_sum       DECIMAL(38, 2),
  evidence     STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'fraud-alerts',
  'key.format' = 'raw',
  'key.fields' = 'cc_num',
  'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-fraud-alerts',
  'properties.transaction.timeout.ms' = '600000'
);

EXECUTE STATEMENT SET BEGIN

-- Three transactions of a card within ten minutes, or two that add up to 500 dollars and more.
INSERT INTO alerts
SELECT
  CONCAT('velocity|', cc_num, '|', CAST(window_end AS STRING)),
  'velocity',
  cc_num,
  window_start,
  window_end,
  tx_count,
  tx_sum,
  CONCAT(CAST(tx_count AS STRING), ' transactions, ', CAST(tx_sum AS STRING), ' USD in 10 minutes')
FROM (
  SELECT cc_num, window_start, window_end, COUNT(*) AS tx_count, SUM(amt) AS tx_sum
  FROM TABLE(HOP(TABLE transactions, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
  GROUP BY cc_num, window_start, window_end
)
WHERE tx_count >= 3 OR (tx_count >= 2 AND tx_sum >= 500);

-- 700 dollars at any time, 250 between 22:00 and 03:59.
INSERT INTO alerts /*+ OPTIONS('sink.transactional-id-prefix' = 'flink-fraud-alerts-2') */
SELECT
  CONCAT('large-amount|', trans_num),
  'large-amount',
  cc_num,
  CAST(event_time AS TIMESTAMP(3)),
  CAST(event_time AS TIMESTAMP(3)),
  CAST(1 AS BIGINT),
  CAST(amt AS DECIMAL(38, 2)),
  CONCAT(CAST(amt AS STRING), ' USD at ', merchant, ' at ', trans_date_trans_time)
FROM transactions
WHERE amt >= 700 OR (amt >= 250 AND (HOUR(event_time) >= 22 OR HOUR(event_time) < 4));

INSERT INTO alerts /*+ OPTIONS('sink.transactional-id-prefix' = 'flink-fraud-alerts-3') */
SELECT
  CONCAT('blocked-category|', trans_num),
  'blocked-category',
  cc_num,
  CAST(event_time AS TIMESTAMP(3)),
  CAST(event_time AS TIMESTAMP(3)),
  CAST(1 AS BIGINT),
  CAST(amt AS DECIMAL(38, 2)),
  CONCAT('category ', category, ' at ', merchant)
FROM transactions
WHERE category IN ('travel', 'gambling', 'cryptocurrency');

END;
