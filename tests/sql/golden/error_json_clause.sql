CREATE TABLE t (id BIGINT, name STRING, tags ARRAY<STRING>, attrs MAP<STRING, INT>, geo ROW<lat DOUBLE, tags INT ARRAY>, ms MULTISET<STRING NOT NULL> NOT NULL,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT JSON_VALUE(name, '$.a' EMPTY ARRAY ON EMPTY) FROM t;
