CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT window_end, SUM(n) FROM TABLE(TUMBLE((SELECT window_time AS rt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, window_time, name), DESCRIPTOR(rt), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
