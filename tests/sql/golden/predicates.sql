CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT id FROM t WHERE qty BETWEEN 1 AND 10 AND name NOT IN ('a', 'b') AND name LIKE 'x%' ESCAPE '!' AND price IS NOT NULL AND ok IS NOT TRUE AND name IS DISTINCT FROM 'c' AND NOT (qty IN (1, 2.5));
