CREATE TABLE k (a INT) WITH ('connector' = 'kafka', 'format' = 'json');
