CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE VIEW v AS SELECT ts, qty FROM t WHERE qty > 0 UNION ALL SELECT ts, qty + 1 FROM t;
EXPLAIN SELECT window_end, SUM(qty) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
