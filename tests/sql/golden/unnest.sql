CREATE TABLE t (k STRING, v INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE b (k STRING, w INT)
WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT k, x FROM t CROSS JOIN UNNEST(a) AS u (x) WHERE v > 3 AND x > v;
EXPLAIN SELECT k, x, n, ts FROM t LEFT JOIN UNNEST(a) WITH ORDINALITY AS u (x, n) ON TRUE;
EXPLAIN SELECT * FROM t, UNNEST(m);
EXPLAIN SELECT t.k, u.x, u.y, w FROM t, b, UNNEST(t.r) AS u WHERE t.k = b.k;
EXPLAIN SELECT x + 1 FROM UNNEST(ARRAY[1, 2]) AS x;
