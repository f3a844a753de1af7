CREATE TABLE o (id BIGINT, user_id BIGINT, price DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN SELECT id, user_id IN (SELECT id FROM u WHERE name = 'ann') AS known, EXISTS (SELECT 1 FROM u WHERE u.id = o.user_id) AS there FROM o;
