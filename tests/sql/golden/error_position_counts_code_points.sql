EXPLAIN SELECT 'äöü' || '日本', nothing;
