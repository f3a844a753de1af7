CREATE TABLE users (id BIGINT, name STRING)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'json', 'value.format' = 'json');
