CREATE TABLE t (value INT) WITH ('connector' = 'print');
