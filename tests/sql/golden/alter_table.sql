CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), c AS id + 1,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
ALTER TABLE t SET ('topic' = 'other', 'scan.startup.mode' = 'latest-offset');
ALTER TABLE t RESET ('scan.startup.mode'); ALTER TABLE IF EXISTS nothing RENAME TO n; ALTER TABLE t RENAME TO r; SHOW TABLES;
EXPLAIN SELECT id FROM r;
