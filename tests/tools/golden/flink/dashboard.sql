-- The job dashboard of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic dashboard-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.
-- - Late rows are counted, and not kept. Here they go to the topic dashboard-late.

SET 'pipeline.name' = 'dashboard';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- The figures of a shop's dashboard, from its web server's access log and from what is bought.
--
--   leat topic create access-log --partitions 1
--   leat topic create shop-events --partitions 1
--   leat job submit config/jobs/dashboard.sql
--   leat produce access-log --file config/data/access.log
--   leat datagen shop --count 2000 --topic shop-events
--   leat consume web-minutes --from-beginning
--
-- In:  access-log        lines in Apache's combined format, times in UTC (+0000)
--      shop-events       {"event_time","event_type","product_id","price","user_session",..}; see config/jobs/recommend.sql
-- Out: web-minutes       for each minute: requests, errors, bytes, visitors
--      web-top-paths     for each hour: the ten paths that were asked for most
--      web-top           the same for all time, as a table that is kept up to date (compacted, by place)
--      web-sessions      for each visit (a visitor's requests with no pause of more than 30 minutes): when, requests, bytes
--      web-errors        each request that was answered with 500 or more
--      shop-minutes      for each minute: purchases, orders (sessions that bought), revenue
--      dashboard-late    what came more than a minute late
--      dashboard-dlq     lines that are no requests, events that cannot be read, with the reason

-- Leat only: SET 'leat.late.topic' = 'dashboard-late';

-- visitor ident user [time] "METHOD path PROTOCOL" status bytes "referrer" "agent". A line that is not like this has no event time, and so
-- goes to the dead letters.
CREATE TABLE access_log (
  line STRING,
  event_time AS TO_TIMESTAMP(
    REGEXP_EXTRACT(line, '^\S+ \S+ .*?\[([^\]]+) \+0000\] "\S+ \S+[^"]*" \d{3} (\d+|-) ".*" ".*"$', 1),
    'dd/MMM/yyyy:HH:mm:ss'),
  -- The requests of a minute come in any order.
  WATERMARK FOR event_time AS event_time - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'access-log',
  'format' = 'raw',
  'properties.group.id' = 'dashboard',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

CREATE VIEW requests AS
SELECT
  event_time,
  SPLIT_INDEX(line, ' ', 0) AS visitor,
  REGEXP_EXTRACT(line, '\] "\S+ (\S+)', 1) AS path,
  CAST(REGEXP_EXTRACT(line, '\] "[^"]*" (\d+)', 1) AS INT) AS status,
  -- `-`: nothing was sent.
  COALESCE(TRY_CAST(REGEXP_EXTRACT(line, '\] "[^"]*" \d+ (\S+)', 1) AS BIGINT), 0) AS sent
FROM access_log;

CREATE TABLE shop_events (
  event_time   STRING,
  event_type   STRING,
  price        DECIMAL(12, 2),
  user_session STRING,
  ts AS TO_TIMESTAMP(SUBSTRING(event_time, 1, 19)),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'shop-events',
  'format' = 'json',
  'properties.group.id' = 'dashboard',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

CREATE TABLE web_minutes (
  window_start  TIMESTAMP(3),
  requests      BIGINT,
  client_errors BIGINT,
  server_errors BIGINT,
  `bytes`       BIGINT,
  visitors      BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'web-minutes', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-web_minutes',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE web_top_paths (
  window_start TIMESTAMP(3),
  place        BIGINT,
  path         STRING,
  requests     BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'web-top-paths', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-web_top_paths',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE web_top (
  place    BIGINT,
  path     STRING,
  requests BIGINT,
  PRIMARY KEY (place) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'web-top', 'key.format' = 'json', 'value.format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-web_top',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE web_sessions (
  visitor  STRING,
  began    TIMESTAMP(3),
  ended    TIMESTAMP(3),
  requests BIGINT,
  `bytes`  BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'web-sessions', 'key.format' = 'raw', 'key.fields' = 'visitor', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-web_sessions',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE web_errors (
  event_time TIMESTAMP(3),
  visitor    STRING,
  path       STRING,
  status     INT
) WITH ('connector' = 'kafka', 'topic' = 'web-errors', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-web_errors',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE shop_minutes (
  window_start TIMESTAMP(3),
  purchases    BIGINT,
  orders       BIGINT,
  revenue      DECIMAL(38, 2)
) WITH ('connector' = 'kafka', 'topic' = 'shop-minutes', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-dashboard-shop_minutes',
  'properties.transaction.timeout.ms' = '600000');

EXECUTE STATEMENT SET BEGIN

INSERT INTO web_minutes
SELECT
  window_start,
  COUNT(*),
  COUNT(*) FILTER (WHERE status >= 400 AND status < 500),
  COUNT(*) FILTER (WHERE status >= 500),
  SUM(sent),
  COUNT(DISTINCT visitor)
FROM TABLE(TUMBLE(TABLE requests, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO web_top_paths
SELECT window_start, place, path, requests
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY requests DESC, path) AS place
  FROM (
    SELECT window_start, window_end, path, COUNT(*) AS requests
    FROM TABLE(TUMBLE(TABLE requests, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
    GROUP BY window_start, window_end, path
  )
)
WHERE place <= 10;

INSERT INTO web_top
SELECT place, path, requests
FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY requests DESC, path) AS place
  FROM (SELECT path, COUNT(*) AS requests FROM requests GROUP BY path)
)
WHERE place <= 10;

INSERT INTO web_sessions
SELECT visitor, MIN(event_time), MAX(event_time), COUNT(*), SUM(sent)
FROM TABLE(SESSION(TABLE requests PARTITION BY visitor, DESCRIPTOR(event_time), INTERVAL '30' MINUTE))
GROUP BY visitor, window_start, window_end;

INSERT INTO web_errors
SELECT event_time, visitor, path, status FROM requests WHERE status >= 500;

INSERT INTO shop_minutes
SELECT window_start, COUNT(*), COUNT(DISTINCT user_session), SUM(price)
FROM (
  SELECT *
  FROM TABLE(TUMBLE(TABLE shop_events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
)
WHERE event_type = 'purchase'
GROUP BY window_start, window_end;

END;
