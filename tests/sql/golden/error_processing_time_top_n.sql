CREATE TABLE t (k STRING, v INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n) AS rn FROM (SELECT window_start, window_end, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k)) WHERE rn = 1;
