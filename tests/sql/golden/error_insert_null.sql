CREATE TABLE p (a INT NOT NULL) WITH ('connector' = 'print');
INSERT INTO p VALUES (1), (NULL);
