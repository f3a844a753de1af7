CREATE TABLE k (a INT) WITH ('connector' = 'upsert-kafka');
