-- Sources of JSON tables carry the fields of a ROW that are read, unless somebody reads the whole ROW.
CREATE TABLE t (
  kind INT,
  a ROW<id BIGINT, name STRING, ts TIMESTAMP(3)>,
  b ROW<id BIGINT, name STRING, ts TIMESTAMP(3)>,
  c ROW<id BIGINT, name STRING>,
  ts AS CASE WHEN kind = 0 THEN a.ts ELSE b.ts END,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'x:1', 'format' = 'json');
CREATE TABLE by_place (c ROW<id BIGINT, name STRING>) WITH (
  'connector' = 'kafka', 'topic' = 'p', 'properties.bootstrap.servers' = 'x:1', 'format' = 'csv');
EXPLAIN SELECT a.name, c FROM t WHERE b.id > 1;
EXPLAIN SELECT ts, COUNT(c.name) FROM t GROUP BY ts;
EXPLAIN SELECT c.name FROM by_place;
