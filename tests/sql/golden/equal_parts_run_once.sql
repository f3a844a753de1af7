-- Both sub-queries count in the same way: there is one aggregate, with two that read it. Another length of the window or
-- another function is another aggregate.
CREATE TABLE bid (auction BIGINT, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
EXPLAIN SELECT a.auction, a.num, b.most, c.fewer, d.highest
FROM (SELECT auction, COUNT(*) AS num, window_end FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' SECOND))
      GROUP BY auction, window_start, window_end) a
JOIN (SELECT MAX(n) AS most, e FROM (
        SELECT COUNT(*) AS n, window_end AS e FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' SECOND))
        GROUP BY auction, window_start, window_end) GROUP BY e) b ON a.window_end = b.e
JOIN (SELECT auction, COUNT(*) AS fewer, window_end AS e FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1' SECOND))
      GROUP BY auction, window_start, window_end) c ON a.window_end = c.e
JOIN (SELECT auction, MAX(price) AS highest, window_end AS e FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' SECOND))
      GROUP BY auction, window_start, window_end) d ON a.window_end = d.e;
