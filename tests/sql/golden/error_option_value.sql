CREATE TABLE k (a INT) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json', 'scan.startup.mode' = 'earliest');
