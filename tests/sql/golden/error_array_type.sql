CREATE TABLE t (a ARRAY<INT>) WITH ('connector' = 'print');
