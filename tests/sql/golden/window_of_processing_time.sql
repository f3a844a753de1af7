SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE t (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT window_start, k, COUNT(*) FROM TABLE(HOP(TABLE t, DESCRIPTOR(p), INTERVAL '1' MINUTE, INTERVAL '2' MINUTE)) GROUP BY window_start, window_end, k;
EXPLAIN SELECT TUMBLE_PROCTIME(p, INTERVAL '1' MINUTE), k, COUNT(*) FROM t GROUP BY TUMBLE(p, INTERVAL '1' MINUTE), k;
