CREATE TABLE g (a INT, b STRING) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
EXPLAIN SELECT COUNT(*) FROM g;
