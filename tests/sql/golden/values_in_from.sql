EXPLAIN SELECT a, UPPER(b) FROM (VALUES (1, 'x'), (2, 'y')) AS v (a, b);
