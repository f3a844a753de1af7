CREATE TABLE o (id BIGINT, user_id BIGINT, price DECIMAL(10, 2), note STRING, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE p (id BIGINT, order_id BIGINT, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (id BIGINT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN SELECT id, window_end FROM TABLE(TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) l WHERE EXISTS (
  SELECT 1 FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) r
  WHERE r.order_id = l.id AND l.window_start = r.window_start AND l.window_end = r.window_end);
