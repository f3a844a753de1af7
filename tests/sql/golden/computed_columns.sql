CREATE TABLE c (a STRING, b INT, up AS UPPER(a), pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');
EXPLAIN SELECT up FROM c;
EXPLAIN SELECT pt, b FROM c;
