CREATE TABLE p (a INT) WITH ('connector' = 'print');
INSERT INTO p SELECT a FROM p;
