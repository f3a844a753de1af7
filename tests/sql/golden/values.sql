CREATE TABLE p (a INT, b STRING, c DECIMAL(5, 2)) WITH ('connector' = 'print');
INSERT INTO p VALUES (1, 'a', 1.5), (2, 'bb', NULL), (-3, 'c', 2);
