CREATE TABLE t (id BIGINT, at AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT id, at, PROCTIME() AS now, CAST(at AS TIMESTAMP_LTZ(3)) AS cast_at FROM t;
