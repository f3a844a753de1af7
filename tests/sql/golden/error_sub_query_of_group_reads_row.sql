CREATE TABLE o (id BIGINT, user_id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE TABLE p (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json');
EXPLAIN SELECT user_id FROM o GROUP BY user_id HAVING EXISTS (SELECT 1 FROM p WHERE p.id = o.user_id);
