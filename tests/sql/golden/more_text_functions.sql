CREATE TABLE t (id BIGINT, name STRING, tags ARRAY<STRING>, attrs MAP<STRING, INT>, geo ROW<lat DOUBLE, tags INT ARRAY>, ms MULTISET<STRING NOT NULL> NOT NULL,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
EXPLAIN SELECT LOCATE('a', name), ELT(1, name, 'b'), STARTSWITH(name, 'a'), ENDSWITH(name, 'a'), TRANSLATE(name, 'a', 'b'), SHA1(name), SHA2(name, 256), HEX(id), HEX(name), UNHEX(name), BIN(id), URL_ENCODE(name), REGEXP_COUNT(name, 'a'), REGEXP_INSTR(name, 'a'), REGEXP_SUBSTR(name, 'a'), SINH(1), COT(2) FROM t;
