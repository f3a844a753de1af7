CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT EXTRACT(HOUR FROM ts), FLOOR(ts TO HOUR), CEIL(ts TO DAY), TRIM(BOTH 'x' FROM name), TRIM(LEADING FROM name), TRIM(name), POSITION('a' IN name), SUBSTRING(name FROM 2 FOR 3), SUBSTRING(name, 2), OVERLAY(name PLACING 'zz' FROM 1 FOR 2), TIMESTAMPADD(HOUR, 2, ts), TIMESTAMPDIFF(MINUTE, ts, ts) FROM t;
