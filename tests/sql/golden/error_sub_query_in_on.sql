CREATE TABLE o (id BIGINT, user_id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE TABLE p (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json');
EXPLAIN SELECT o.id FROM o JOIN p ON o.id = p.id OR o.user_id IN (SELECT id FROM p);
