CREATE TABLE k (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json');
