CREATE TABLE t (id BIGINT, proc AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT id, proc, PROCTIME() AS now_, CAST(proc AS TIMESTAMP_LTZ(3)) AS cast_at FROM t;
