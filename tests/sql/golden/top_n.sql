CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT id, name, score FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY score DESC NULLS LAST, name) AS rn FROM t) WHERE rn <= 3 AND ok;
EXPLAIN SELECT id, name, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY score DESC NULLS LAST, name) AS rn FROM t) WHERE rn BETWEEN 2 AND 4;
EXPLAIN SELECT name FROM (SELECT rn AS r, name FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY score DESC NULLS LAST, name) AS rn FROM t)) WHERE 1 = r;
