CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT ABS(qty), MOD(id, 4), id % 4, ROUND(price), ROUND(price, 1), FLOOR(price), POWER(qty, 2), SQRT(score), LOG(2, 8), SIGN(price), TRUNCATE(price, 1), GREATEST(qty, id), LEAST(1, 2.5), PI() FROM t;
