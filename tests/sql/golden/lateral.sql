CREATE TABLE t (k STRING, v INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE b (k STRING, w INT)
WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT v, s FROM t, LATERAL (SELECT SUM(w) AS s FROM b WHERE b.k = t.k);
EXPLAIN SELECT v, l.w FROM t LEFT JOIN LATERAL (SELECT w FROM b WHERE b.k = t.k AND w > v) AS l ON TRUE;
EXPLAIN SELECT v, (SELECT COUNT(*) FROM b WHERE b.k = t.k) AS n FROM t WHERE v > (SELECT MAX(w) FROM b WHERE t.k = b.k);
