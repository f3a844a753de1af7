-- A supply chain: the life of each order out of events that come in any order, how long its stages take, and which orders are late.
--
--   leat topic create orders --partitions 1
--   leat topic create order-events --partitions 1
--   leat job submit config/jobs/supply.sql
--   leat datagen supply --count 1000 --stream orders --topic orders
--   leat datagen supply --count 1000 --out-of-order 0.1 --max-delay 3600 --topic order-events
--   leat consume late-orders --from-beginning
--
-- In:  orders             {"order_id","customer_id","order_purchase_timestamp","order_estimated_delivery_date",..}
--      order-events       {"event_time","order_id","event_type"}: purchased, approved, shipped, delivered
-- Out: order-timeline     a table: for each order when each stage was reached, the stage it is in, seconds between stages, late or not
--      stage-durations    a table: for each stage how many orders have gone through it, and how long it took
--      late-orders        a table: orders that were delivered after the estimate
--      unapproved-orders  a table: orders that were not approved within 24 hours, from then on
--      undelivered-orders a table: orders that were not delivered by the estimate, from then on
--      supply-dlq         records that cannot be read, with the reason
-- A table is a topic to be compacted: the last record of each key counts. So nothing counts twice that comes twice.

CREATE TABLE orders (
  order_id                      STRING,
  customer_id                   STRING,
  order_purchase_timestamp      STRING,
  order_estimated_delivery_date STRING,
  -- The time of an order is its deadline. That lies ahead of the events, so that it is they who say how late it is.
  due_at AS TO_TIMESTAMP(order_estimated_delivery_date),
  WATERMARK FOR due_at AS due_at
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'format' = 'json',
  'properties.group.id' = 'supply',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s'
);

CREATE TABLE order_events (
  event_time STRING,
  order_id   STRING,
  event_type STRING,
  ts AS TO_TIMESTAMP(event_time),
  WATERMARK FOR ts AS ts - INTERVAL '2' HOUR
) WITH (
  'connector' = 'kafka',
  'topic' = 'order-events',
  'format' = 'json',
  'properties.group.id' = 'supply',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s'
);

CREATE TABLE order_timeline (
  order_id         STRING,
  customer_id      STRING,
  stage            STRING,
  purchased_at     TIMESTAMP(3),
  approved_at      TIMESTAMP(3),
  shipped_at       TIMESTAMP(3),
  delivered_at     TIMESTAMP(3),
  estimated_at     TIMESTAMP(3),
  approval_seconds BIGINT,
  handling_seconds BIGINT,
  transit_seconds  BIGINT,
  total_seconds    BIGINT,
  late             BOOLEAN,
  late_by_day      BOOLEAN,
  PRIMARY KEY (order_id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'order-timeline', 'key.format' = 'raw', 'value.format' = 'json');

CREATE TABLE stage_durations (
  stage        STRING,
  orders       BIGINT,
  mean_seconds DOUBLE,
  shortest     BIGINT,
  longest      BIGINT,
  PRIMARY KEY (stage) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'stage-durations', 'key.format' = 'raw', 'value.format' = 'json');

CREATE TABLE late_orders (
  order_id     STRING,
  customer_id  STRING,
  delivered_at TIMESTAMP(3),
  estimated_at TIMESTAMP(3),
  late_seconds BIGINT,
  PRIMARY KEY (order_id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'late-orders', 'key.format' = 'raw', 'value.format' = 'json');

CREATE TABLE unapproved_orders (
  order_id     STRING,
  purchased_at TIMESTAMP(3),
  PRIMARY KEY (order_id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'unapproved-orders', 'key.format' = 'raw', 'value.format' = 'json');

CREATE TABLE undelivered_orders (
  order_id     STRING,
  estimated_at TIMESTAMP(3),
  PRIMARY KEY (order_id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'undelivered-orders', 'key.format' = 'raw', 'value.format' = 'json');

-- One row for each order, whatever comes first or twice. The stage is that of the newest event, at equal times the one further on.
CREATE VIEW stages AS
SELECT
  order_id,
  MIN(ts) FILTER (WHERE event_type = 'purchased') AS purchased_at,
  MIN(ts) FILTER (WHERE event_type = 'approved') AS approved_at,
  MIN(ts) FILTER (WHERE event_type = 'shipped') AS shipped_at,
  MIN(ts) FILTER (WHERE event_type = 'delivered') AS delivered_at,
  SPLIT_INDEX(MAX(CONCAT(
    event_time, '|',
    CASE event_type WHEN 'purchased' THEN '1' WHEN 'approved' THEN '2' WHEN 'shipped' THEN '3' ELSE '4' END, '|',
    event_type)), '|', 2) AS stage
FROM order_events
WHERE event_type IN ('purchased', 'approved', 'shipped', 'delivered')
GROUP BY order_id;

CREATE VIEW plans AS
SELECT order_id, MAX(customer_id) AS customer_id, MAX(due_at) AS estimated_at
FROM orders
GROUP BY order_id;

CREATE VIEW timelines AS
SELECT
  s.order_id,
  p.customer_id,
  s.stage,
  s.purchased_at,
  s.approved_at,
  s.shipped_at,
  s.delivered_at,
  p.estimated_at,
  CAST(TIMESTAMPDIFF(SECOND, s.purchased_at, s.approved_at) AS BIGINT) AS approval_seconds,
  CAST(TIMESTAMPDIFF(SECOND, s.approved_at, s.shipped_at) AS BIGINT) AS handling_seconds,
  CAST(TIMESTAMPDIFF(SECOND, s.shipped_at, s.delivered_at) AS BIGINT) AS transit_seconds,
  CAST(TIMESTAMPDIFF(SECOND, s.purchased_at, s.delivered_at) AS BIGINT) AS total_seconds,
  -- The estimate is a day, at its first moment: a delivery on that day is late by the clock and not by the calendar.
  s.delivered_at > p.estimated_at AS late,
  CAST(s.delivered_at AS DATE) > CAST(p.estimated_at AS DATE) AS late_by_day
FROM stages AS s
LEFT JOIN plans AS p ON s.order_id = p.order_id;

EXECUTE STATEMENT SET BEGIN

INSERT INTO order_timeline SELECT * FROM timelines;

INSERT INTO late_orders
SELECT order_id, customer_id, delivered_at, estimated_at, CAST(TIMESTAMPDIFF(SECOND, estimated_at, delivered_at) AS BIGINT)
FROM timelines
WHERE late;

INSERT INTO stage_durations
SELECT stage, COUNT(*), CAST(SUM(seconds) AS DOUBLE) / COUNT(*), MIN(seconds), MAX(seconds)
FROM (
  SELECT 'approval' AS stage, approval_seconds AS seconds FROM timelines
  UNION ALL SELECT 'handling', handling_seconds FROM timelines
  UNION ALL SELECT 'transit', transit_seconds FROM timelines
  UNION ALL SELECT 'total', total_seconds FROM timelines
)
WHERE seconds IS NOT NULL
GROUP BY stage;

-- Orders that no approval met within a day come out when the events' time has gone beyond that day.
INSERT INTO unapproved_orders
SELECT p.order_id, p.ts
FROM (SELECT order_id, ts FROM order_events WHERE event_type = 'purchased') AS p
LEFT JOIN (SELECT order_id, ts FROM order_events WHERE event_type = 'approved') AS a
  ON p.order_id = a.order_id AND a.ts BETWEEN p.ts - INTERVAL '1' DAY AND p.ts + INTERVAL '1' DAY
WHERE a.order_id IS NULL;

-- Orders that no delivery met by their deadline come out when the events' time has gone beyond it, by up to an eighth of the interval.
-- Deliveries are kept for a year.
INSERT INTO undelivered_orders
SELECT o.order_id, o.due_at
FROM orders AS o
LEFT JOIN (SELECT order_id, ts FROM order_events WHERE event_type = 'delivered') AS d
  ON o.order_id = d.order_id AND d.ts BETWEEN o.due_at - INTERVAL '365' DAY(3) AND o.due_at
WHERE d.order_id IS NULL;

END;
