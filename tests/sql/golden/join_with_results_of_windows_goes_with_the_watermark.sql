CREATE TABLE o (id BIGINT, user_id BIGINT, price DECIMAL(10, 2), note STRING, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE p (id BIGINT, order_id BIGINT, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (id BIGINT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN SELECT o.id FROM o JOIN (SELECT MAX(amount) AS top, window_end AS ended
  FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end) AS w
ON o.price = w.top WHERE o.ts BETWEEN w.ended - INTERVAL '10' SECOND AND w.ended;
