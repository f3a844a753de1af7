CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), c AS id + 1,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (extra INT) WITH ('topic' = 'u') LIKE t;
CREATE TABLE v LIKE t (EXCLUDING GENERATED EXCLUDING WATERMARKS);
CREATE TABLE w (c AS id * 2, WATERMARK FOR ts AS ts) LIKE t (OVERWRITING GENERATED OVERWRITING WATERMARKS);
CREATE TABLE x (id2 BIGINT) WITH ('connector' = 'print') LIKE t (EXCLUDING ALL);
DESCRIBE u; DESCRIBE v; DESCRIBE w; DESCRIBE x;
EXPLAIN SELECT extra, c, id FROM u;
