CREATE TABLE k (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json');
