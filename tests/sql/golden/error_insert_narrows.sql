CREATE TABLE p (a INT) WITH ('connector' = 'print');
INSERT INTO p VALUES (CAST(1 AS BIGINT));
