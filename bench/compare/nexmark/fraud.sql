-- Alarms: count and sum of a card (here a bidder) in a sliding window, above a threshold.
CREATE TABLE sink (card BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), cnt BIGINT, total BIGINT)
WITH (${SINK});
INSERT INTO sink
SELECT bidder, window_start, window_end, COUNT(*) AS cnt, SUM(price) AS total
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '1' SECOND, INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end
HAVING COUNT(*) >= 20 AND SUM(price) >= 100000000;
