CREATE TABLE t (k STRING, v INT, a ARRAY<INT>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE b (k STRING, w INT)
WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT * FROM t JOIN b USING (k);
EXPLAIN SELECT k, t.k, b.k, v, w FROM t FULL JOIN b USING (k);
EXPLAIN SELECT * FROM (SELECT k, v FROM t) NATURAL LEFT JOIN b;
EXPLAIN SELECT t.k, c.w FROM t JOIN (b JOIN b AS c ON b.w = c.w) ON t.k = b.k;
