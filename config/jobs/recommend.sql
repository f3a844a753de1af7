-- Recommendations: which products are seen together, and which are popular just now.
--
--   leat topic create shop-events --partitions 1
--   leat job submit config/jobs/recommend.sql
--   leat datagen shop --count 2000 --topic shop-events
--   leat consume recommendations --from-beginning
--
-- In:  shop-events       {"event_time","event_type","product_id","price","user_id","user_session",..}; event_type is view, cart or
--                        purchase, event_time as 2019-10-01 00:00:00 UTC
-- Out: recommendations   a table: for each product and place (1 to 10) another one, and how many sessions saw both
--      popular-products  every half hour the ten products that were most in demand, newer events counting more
--      carts-left        a table: carts that no purchase of the same product followed within 15 minutes, from then on
--      recommend-late    what came more than five minutes late for popular-products, once for each half hour that it misses
--      recommend-dlq     events that cannot be read, with the reason
-- A table is a topic to be compacted: the last record of each key counts.

SET 'leat.late.topic' = 'recommend-late';

CREATE TABLE shop_events (
  event_time   STRING,
  event_type   STRING,
  product_id   STRING,
  user_session STRING,
  ts AS TO_TIMESTAMP(SUBSTRING(event_time, 1, 19)),
  WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'shop-events',
  'format' = 'json',
  'properties.group.id' = 'recommend',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s'
);

CREATE TABLE recommendations (
  product_id STRING,
  place      BIGINT,
  other_id   STRING,
  sessions   BIGINT,
  PRIMARY KEY (product_id, place) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'recommendations', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE popular_products (
  until      TIMESTAMP(3),
  place      BIGINT,
  product_id STRING,
  demand     DOUBLE
) WITH ('connector' = 'kafka', 'topic' = 'popular-products', 'format' = 'json');

CREATE TABLE carts_left (
  user_session STRING,
  product_id   STRING,
  cart_at      TIMESTAMP(3),
  PRIMARY KEY (user_session, product_id, cart_at) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'carts-left', 'key.format' = 'json', 'value.format' = 'json');

-- A product counts once in a session, however often it was seen.
CREATE VIEW seen AS SELECT DISTINCT user_session, product_id FROM shop_events;

EXECUTE STATEMENT SET BEGIN

INSERT INTO recommendations
SELECT product_id, place, other_id, sessions
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY sessions DESC, other_id) AS place
  FROM (
    SELECT a.product_id, b.product_id AS other_id, COUNT(*) AS sessions
    FROM seen AS a
    JOIN seen AS b ON a.user_session = b.user_session
    WHERE a.product_id <> b.product_id
    GROUP BY a.product_id, b.product_id
  )
)
WHERE place <= 10;

-- What an event counts is halved every half hour, for six hours; a cart counts as much as 3 views, a purchase as 10.
INSERT INTO popular_products
SELECT window_end, place, product_id, demand
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY demand DESC, product_id) AS place
  FROM (
    SELECT window_start, window_end, product_id,
           SUM(weight * POWER(0.5, FLOOR(TIMESTAMPDIFF(SECOND, ts, window_end) / 1800))) AS demand
    FROM (
      SELECT *, CASE event_type WHEN 'purchase' THEN 10 WHEN 'cart' THEN 3 ELSE 1 END AS weight
      FROM TABLE(HOP(TABLE shop_events, DESCRIPTOR(ts), INTERVAL '30' MINUTE, INTERVAL '6' HOUR))
    )
    GROUP BY window_start, window_end, product_id
  )
)
WHERE place <= 10;

-- Carts that no purchase met come out when the events' time has gone 15 minutes beyond them, and up to 2 minutes more.
INSERT INTO carts_left
SELECT c.user_session, c.product_id, c.ts
FROM (SELECT * FROM shop_events WHERE event_type = 'cart') AS c
LEFT JOIN (SELECT * FROM shop_events WHERE event_type = 'purchase') AS p
  ON c.user_session = p.user_session AND c.product_id = p.product_id AND p.ts BETWEEN c.ts AND c.ts + INTERVAL '15' MINUTE
WHERE p.user_session IS NULL;

END;
