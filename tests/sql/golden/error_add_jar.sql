CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), c AS id + 1,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
ADD JAR '/tmp/x.jar';
