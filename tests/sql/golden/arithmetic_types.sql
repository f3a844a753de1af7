CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), qty INT, score DOUBLE, ok BOOLEAN, born DATE,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE p (a INT, b BIGINT, c DECIMAL(24, 2), d DECIMAL(38, 10), e DOUBLE) WITH ('connector' = 'print');
INSERT INTO p SELECT qty + 1, qty * id, price * price, price / 3, score - price FROM t;
