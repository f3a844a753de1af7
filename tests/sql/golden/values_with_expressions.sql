CREATE TABLE p (a INT, b STRING) WITH ('connector' = 'print');
INSERT INTO p VALUES (1 + 1, UPPER('a')), (2, 'b');
