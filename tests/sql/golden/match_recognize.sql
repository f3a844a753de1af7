CREATE TABLE payments (
  card STRING, amount DECIMAL(10, 2), shop ROW<city STRING, country STRING>, ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE alarms (card STRING, tried DECIMAL(10, 2), taken DECIMAL(10, 2), city STRING, at_time TIMESTAMP_LTZ(3))
WITH ('connector' = 'kafka', 'topic' = 'alarms', 'format' = 'json');
INSERT INTO alarms SELECT card, tried, taken, city, at_time FROM payments MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts
  MEASURES Low.amount AS tried, High.amount AS taken, LAST(High.shop.city) AS city, MATCH_ROWTIME(ts) AS at_time
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (Low High) WITHIN INTERVAL '1' MINUTE
  DEFINE Low AS Low.amount < 1, High AS High.amount > 500
) AS m;
EXPLAIN SELECT * FROM payments MATCH_RECOGNIZE (
  ORDER BY ts, amount DESC NULLS FIRST
  MEASURES FIRST(A.amount, 1) AS f, SUM(A.amount * 2) AS s, COUNT(*) AS n
  AFTER MATCH SKIP TO LAST B
  PATTERN (A+ B{2,} C{1,3}? D?)
  DEFINE A AS A.amount > LAST(A.amount, 1) OR LAST(A.amount, 1) IS NULL, C AS AVG(C.amount) < 10 AND C.card = LAST(A.card)
) AS m (first_amount, sum_amount, n);
