CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT DATE_FORMAT(ts, 'yyyy-MM-dd'), TO_TIMESTAMP(name), TO_TIMESTAMP(name, 'yyyy'), TO_TIMESTAMP_LTZ(id, 3), FROM_UNIXTIME(id), UNIX_TIMESTAMP(), YEAR(ts), DAYOFWEEK(born), CURRENT_TIMESTAMP, LOCALTIMESTAMP, CURRENT_DATE, PROCTIME(), NOW(), CURRENT_WATERMARK(ts) FROM t;
