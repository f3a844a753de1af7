CREATE TABLE k (a INT) WITH ('connector' = 'kafca');
