CREATE TABLE o (id BIGINT, user_id BIGINT, price DECIMAL(10, 2))
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE p (amount DECIMAL(38, 2)) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
EXPLAIN SELECT user_id, SUM(price) FROM o GROUP BY user_id HAVING SUM(price) IN (SELECT amount FROM p);
