CREATE TABLE o (id BIGINT, user_id BIGINT, price DECIMAL(10, 2), note STRING, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE p (id BIGINT, order_id BIGINT, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (id BIGINT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN SELECT o.id, o.ts, u.name FROM o LEFT JOIN u FOR SYSTEM_TIME AS OF o.ts ON o.user_id = u.id AND u.name <> o.note;
EXPLAIN SELECT o.id, v.name FROM o JOIN u FOR SYSTEM_TIME AS OF o.ts AS v ON o.user_id = v.id WHERE v.name <> 'x';
