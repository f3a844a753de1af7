CREATE TABLE k (a INT) WITH ('connector' = 'jdbc');
