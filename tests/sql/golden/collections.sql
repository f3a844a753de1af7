CREATE TABLE t (id BIGINT, name STRING, tags ARRAY<STRING>, attrs MAP<STRING, INT>, geo ROW<lat DOUBLE, tags INT ARRAY>, ms MULTISET<STRING NOT NULL> NOT NULL,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
DESCRIBE t;
EXPLAIN SELECT tags[1], attrs['k'], geo.tags[2], (ROW(id, name)).EXPR$0, ARRAY[id, 1], MAP['a', 1, 'b', 2], ARRAY[ARRAY[1], ARRAY[2]][1][1], CARDINALITY(tags), ARRAY_CONTAINS(tags, 'x'), CAST(ARRAY[1] AS ARRAY<BIGINT>), SPLIT(name, ',')[2], MAP_KEYS(attrs) FROM t;
