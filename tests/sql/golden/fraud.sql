-- The fraud job: three rules over card transactions, each an INSERT of one statement set.
CREATE TABLE transactions (
  trans_num STRING,
  cc_num STRING,
  trans_date_trans_time STRING,
  merchant STRING,
  category STRING,
  amt DECIMAL(12, 2),
  event_time AS TO_TIMESTAMP(trans_date_trans_time),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'transactions',
  'format' = 'json',
  'scan.startup.mode' = 'earliest-offset'
);

CREATE TABLE alerts (
  alert_id STRING,
  reason STRING,
  cc_num STRING,
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  tx_count BIGINT,
  tx_sum DECIMAL(38, 2),
  evidence STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'fraud-alerts',
  'format' = 'json',
  'key.format' = 'raw',
  'key.fields' = 'cc_num'
);

EXECUTE STATEMENT SET BEGIN

-- Velocity: many or much within ten minutes.
INSERT INTO alerts
SELECT
  CONCAT('velocity-', cc_num, '-', DATE_FORMAT(window_end, 'yyyyMMddHHmm')),
  'velocity',
  cc_num,
  window_start,
  window_end,
  COUNT(*),
  SUM(amt),
  CONCAT(CAST(COUNT(*) AS STRING), ' transactions, ', CAST(SUM(amt) AS STRING), ' in all, largest ',
         CAST(MAX(amt) AS STRING))
FROM TABLE(HOP(TABLE transactions, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
GROUP BY cc_num, window_start, window_end
HAVING COUNT(*) >= 3 OR SUM(amt) >= 1000;

-- A large amount; at night less is large.
INSERT INTO alerts
SELECT
  CONCAT('amount-', trans_num),
  'large amount',
  cc_num,
  event_time,
  event_time,
  CAST(1 AS BIGINT),
  amt,
  CONCAT(CAST(amt AS STRING), ' at ', merchant)
FROM transactions
WHERE amt >= 700 OR (amt >= 250 AND (HOUR(event_time) >= 22 OR HOUR(event_time) < 4));

-- Categories that the bank does not pay.
INSERT INTO alerts
SELECT
  CONCAT('category-', trans_num),
  'blocked category',
  cc_num,
  event_time,
  event_time,
  CAST(1 AS BIGINT),
  amt,
  CONCAT(category, ' at ', merchant)
FROM transactions
WHERE category IN ('shopping_net', 'misc_net');

END;
