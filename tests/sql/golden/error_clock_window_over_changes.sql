CREATE TABLE c (k STRING, v INT, p AS PROCTIME(), PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'c', 'key.format' = 'raw', 'value.format' = 'json');
EXPLAIN SELECT k, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE c, DESCRIPTOR(p), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end;
EXPLAIN SELECT * FROM TABLE(SESSION(TABLE c PARTITION BY k, DESCRIPTOR(p), INTERVAL '1' MINUTE));
