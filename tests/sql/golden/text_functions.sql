CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT UPPER(name), CHAR_LENGTH(name), name || '-' || name, CONCAT_WS(',', name, 'b'), REPLACE(name, 'a', 'b'), INSTR(name, 'a'), LPAD(name, 5, '0'), SPLIT_INDEX(name, ',', 1), REGEXP_EXTRACT(name, '(a)(b)', 2), MD5(name), LEFT(name, 2), RIGHT(name, 2) FROM t;
